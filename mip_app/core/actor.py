"""Who is acting. Made on the server from the session cookie or the API key, never from what a client says."""

from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum

from mip_app.core.errors import NotPermitted, NotSignedIn


class Permission(StrEnum):
    """What a role may allow. Alphabetical; a word says the thing, then the act."""

    ADMIN_ACCOUNTS = "admin.accounts"
    AUDIT_READ = "audit.read"
    REPORT_PRINT = "report.print"
    REPORT_READ = "report.read"  # final and amended reports
    REPORT_READ_DRAFT = "report.read_draft"  # and those still being written
    REPORT_REVIEW = "report.review"
    REPORT_SIGN = "report.sign"
    REPORT_WRITE = "report.write"
    STUDY_READ = "study.read"
    STUDY_UPLOAD = "study.upload"


@dataclass(frozen=True, slots=True)
class Actor:
    """A person or API client, acting for one institution."""

    user_id: int | None  # None: an API client
    name: str
    institution_id: int | None  # None: operators and alliance administrators, who see no patient data
    permissions: frozenset[Permission]
    institution_name: str = ""
    session_id: int | None = None  # the sign-in this act belongs to
    address: str = ""  # where the request came from, for the audit

    @property
    def institution(self) -> int:
        """The institution acted for. Raises NotPermitted for those who belong to none."""
        if self.institution_id is None:
            raise NotPermitted()
        return self.institution_id

    def require(self, permission: Permission) -> None:
        """Raises NotPermitted."""
        if permission not in self.permissions:
            raise NotPermitted(permission=permission)


_current: ContextVar[Actor | None] = ContextVar("mip_actor", default=None)


def current_actor() -> Actor:
    """The actor of the event or request being handled. Raises NotSignedIn."""
    actor = _current.get()
    if actor is None:
        raise NotSignedIn()
    return actor


def acting_as(actor: Actor | None) -> None:
    """Set by the gate and by the guard of the HTTP routes, before anything else runs."""
    _current.set(actor)
