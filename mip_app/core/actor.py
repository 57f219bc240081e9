"""Who is acting. Made on the server from the session cookie or the API key, never from what a client says."""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from functools import wraps
from inspect import signature
from typing import Any, TypeVar, cast

from mip_app.core.errors import NotPermitted, NotSignedIn

F = TypeVar("F", bound=Callable[..., Any])


class Permission(StrEnum):
    """What a role may allow. Alphabetical; a word says the thing, then the act."""

    ADMIN_ACCOUNTS = "admin.accounts"  # departments and doctors of the own institution
    ADMIN_ALLIANCES = "admin.alliances"  # open alliances and their administrators
    ADMIN_DATA = "admin.data"  # patients in conflict, files set aside, deletion; of the own institution
    ADMIN_INSTITUTION = "admin.institution"  # what the own institution says of itself, its settings
    ADMIN_INSTITUTIONS = (
        "admin.institutions"  # open institutions of the own alliance and their administrators
    )
    ADMIN_NODES = "admin.nodes"  # who sends and fetches images by DIMSE
    ADMIN_ROLES = "admin.roles"  # which permissions a role of the own institution has
    AUDIT_EXPORT = "audit.export"
    AUDIT_READ = "audit.read"
    CONSULTATION_REVIEW = "consultation.review"
    REPORT_PRINT = "report.print"
    REPORT_READ = "report.read"  # final and amended reports
    REPORT_READ_DRAFT = "report.read_draft"  # and those still being written
    REPORT_REVIEW = "report.review"
    REPORT_SIGN = "report.sign"
    REPORT_WRITE = "report.write"
    STUDY_READ = "study.read"
    STUDY_SEND = "study.send"  # to a registered node, by DIMSE
    STUDY_SHARE = "study.share"  # let another institution, or somebody there, see own studies
    STUDY_UPLOAD = "study.upload"


# What the administration side does. Everything else belongs to the side where patients are.
ADMINISTRATIVE = frozenset(p for p in Permission if p.startswith(("admin.", "audit.")))


class Side(StrEnum):
    """Which half of the product a sign-in is for; it has the permissions of that half alone."""

    WORK = "work"
    ADMIN = "admin"


class Open(Enum):
    """For what is not tied to one permission."""

    TO_ALL = auto()
    TO_ENTERING = auto()  # signed in, even where a step of signing in is still to do
    TO_SIGNED_IN = auto()


Rule = Permission | Open


@dataclass(frozen=True, slots=True)
class Actor:
    """A person or API client, acting for one institution."""

    user_id: int | None  # None: an API client
    name: str
    institution_id: int | None  # None: operators and alliance administrators, who see no patient data
    permissions: frozenset[Permission]
    institution_name: str = ""
    institution_name_en: str = ""
    alliance_name: str = ""
    alliance_name_en: str = ""
    session_id: int | None = None  # the sign-in this act belongs to
    address: str = ""  # where the request came from, for the audit
    alliance_id: int | None = None
    membership_id: int | None = None
    side: Side = Side.WORK
    own_only: bool = False  # a DIMSE node: what others have granted is not for it
    pending: str = ""  # the step of signing in that is still to do; until then nothing else answers

    @property
    def institution(self) -> int:
        """The institution acted for. Raises NotPermitted for those who belong to none."""
        if self.institution_id is None:
            raise NotPermitted()
        return self.institution_id

    @property
    def user(self) -> int:
        """The person acting. Raises NotPermitted for API clients."""
        if self.user_id is None:
            raise NotPermitted()
        return self.user_id

    def require(self, permission: Permission) -> None:
        """Raises NotPermitted."""
        if permission not in self.permissions:
            raise NotPermitted(permission=permission)


def allows(rule: Rule, actor: Actor | None) -> bool:
    """Whether whoever is acting may do what `rule` guards."""
    if rule is Open.TO_ALL:
        return True
    if actor is None or (isinstance(rule, Open) and actor.user_id is None):
        return False  # an API client has its permissions, and is not signed in
    if rule is Open.TO_ENTERING:
        return True
    return not actor.pending and (rule is Open.TO_SIGNED_IN or rule in actor.permissions)


RULE = "_mip_rule"


def needs(rule: Rule) -> Callable[[F], F]:
    """For service functions: who may call it. The Actor is found by its annotation. Raises NotPermitted."""

    def declare(service: F) -> F:
        parameters = list(signature(service).parameters.values())
        place = next((n for n, one in enumerate(parameters) if one.annotation in (Actor, "Actor")), None)
        if place is None:
            raise TypeError(f"@needs guards what takes an Actor, which {service.__qualname__} does not")
        name = parameters[place].name

        @wraps(service)
        def checked(*args: Any, **kwargs: Any) -> Any:
            if not allows(rule, args[place] if place < len(args) else kwargs.get(name)):
                raise NotPermitted(**({"permission": rule} if isinstance(rule, Permission) else {}))
            return service(*args, **kwargs)

        setattr(checked, RULE, rule)
        return cast(F, checked)

    return declare


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
