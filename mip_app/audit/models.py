"""What happened, written in the transaction of the act. Rows are added, never changed."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, Index, String, text
from sqlmodel import Field, SQLModel

from mip_app.core.columns import Utc


class Kind(StrEnum):
    """The parts of the log, as the page has them."""

    STUDY = "study"
    USER = "user"
    CONSULTATION = "consultation"
    MAINTENANCE = "maintenance"


class Act(StrEnum):
    """Alphabetical; a word says the thing, then what was done to it."""

    ALLIANCE_CHANGED = "alliance.changed"
    ALLIANCE_DISABLED = "alliance.disabled"
    ALLIANCE_ENABLED = "alliance.enabled"
    ALLIANCE_OPENED = "alliance.opened"
    API_KEY_CREATED = "api_key.created"
    ASSOCIATION_REFUSED = "association.refused"
    AUDIT_ANCHORED = "audit.anchored"
    AUDIT_EXPORTED = "audit.exported"
    AUDIT_VERIFIED = "audit.verified"
    CODE_REFUSED = "account.code_refused"
    CODE_SENT = "account.code_sent"
    DATA_REPAIRED = "data.repaired"
    DATA_CHANGED = "data.changed"  # merged, kept apart, corrected, moved: the detail says which
    DATA_DECIDED = "data.decided"  # which of two files under one UID is the right one
    DATA_ERASED = "data.erased"
    DATA_ERASURE_ASKED = "data.erasure_asked"
    DATA_ERASURE_CANCELLED = "data.erasure_cancelled"
    DATA_FLAGGED = "data.flagged"
    DATA_UNDONE = "data.undone"
    DEPARTMENT_ADDED = "department.added"
    DEPARTMENT_CHANGED = "department.changed"
    DEPARTMENT_DELETED = "department.deleted"
    IDENTITY_BOUND = "account.identity_bound"
    IDENTITY_UNBOUND = "account.identity_unbound"
    IMAGE_RECEIVED = "image.received"
    IMAGE_REFUSED = "image.refused"
    IMAGE_RETRIEVED = "image.retrieved"
    IMAGE_SENT = "image.sent"
    INSTITUTION_CHANGED = "institution.changed"
    INSTITUTION_DISABLED = "institution.disabled"
    INSTITUTION_ENABLED = "institution.enabled"
    INSTITUTION_OPENED = "institution.opened"
    NODE_ADDED = "node.added"
    NODE_CHANGED = "node.changed"
    NODE_REMOVED = "node.removed"
    OFFICIAL_ACCOUNT_CHANGED = "institution.official_account_changed"
    PASSWORD_CHANGED = "account.password_changed"
    PASSWORD_REFUSED = "account.password_refused"
    PASSWORD_RESET = "account.password_reset"
    PHONE_CHANGED = "account.phone_changed"
    PHONE_STEP_DONE = "account.phone_step_done"
    REPORT_PRINTED = "report.printed"
    REPORT_RECOVERED = "report.recovered"
    REPORT_REOPENED = "report.reopened"
    REPORT_RETURNED = "report.returned"
    REPORT_REVIEWED = "report.reviewed"
    REPORT_SAVED = "report.saved"
    REPORT_SIGNED = "report.signed"
    REPORT_TAKEN = "report.taken"
    REPORT_TAKEN_OVER = "report.taken_over"
    REPORT_VIEWED = "report.viewed"
    ROLE_ADDED = "role.added"
    ROLE_CHANGED = "role.changed"
    ROLE_DELETED = "role.deleted"
    ROLE_RENAMED = "role.renamed"
    ROLE_RESTORED = "role.restored"
    SECOND_FACTOR_GIVEN = "account.second_factor_given"
    SECOND_FACTOR_REFUSED = "account.second_factor_refused"
    SECOND_FACTOR_TURNED_OFF = "account.second_factor_turned_off"
    SECOND_FACTOR_TURNED_ON = "account.second_factor_turned_on"
    SESSION_ENDED = "account.session_ended"
    SIGNED_IN = "account.signed_in"
    SIGNED_OUT = "account.signed_out"
    SIGN_IN_APPROVED = "account.sign_in_approved"
    SIGN_IN_DECLINED = "account.sign_in_declined"
    SIGN_IN_REFUSED = "account.sign_in_refused"
    STUDY_GRANTED = "study.granted"
    STUDY_GRANT_WITHDRAWN = "study.grant_withdrawn"
    STUDY_SEARCHED = "study.searched"
    STUDY_SENDING_ASKED = "study.sending_asked"
    STUDY_VIEWED = "study.viewed"
    USERS_EXPORTED = "account.list_exported"
    USERS_IMPORTED = "account.list_imported"
    USER_ADDED = "account.added"
    USER_CHANGED = "account.changed"
    USER_CREATED = "account.created"
    USER_DISABLED = "account.disabled"
    USER_ENABLED = "account.enabled"
    USER_PASSWORDS_TAKEN = "account.passwords_taken"
    USER_PICTURE_CHANGED = "account.picture_changed"
    USER_REMOVED = "account.removed"
    USER_RESET = "account.reset"
    USER_SECOND_FACTOR_RESET = "account.second_factor_reset"

    @property
    def kind(self) -> Kind:
        return KIND_OF.get(self.split(".")[0], Kind.USER)


# By the thing an act is done to. What is not named here is done to people and what they may.
KIND_OF = {
    "archive": Kind.MAINTENANCE,
    "association": Kind.MAINTENANCE,
    "audit": Kind.MAINTENANCE,
    "consultation": Kind.CONSULTATION,
    "data": Kind.MAINTENANCE,
    "image": Kind.STUDY,
    "node": Kind.MAINTENANCE,
    "report": Kind.STUDY,
    "share": Kind.STUDY,
    "study": Kind.STUDY,
}


class Result(StrEnum):
    DONE = "done"
    REFUSED = "refused"  # not allowed
    FAILED = "failed"  # allowed, and did not succeed


class AuditEntry(SQLModel, table=True):
    """Who, when, from where, did what, to what, with which result. `subject` is an identifier, never a name."""

    __table_args__ = (
        # A page of the log is a range of one of these; what stands last answers a second filter from the index.
        Index("audit_by_time", "scope", "at", "id"),
        Index("audit_by_act", "scope", "act", "at", "id"),
        Index("audit_by_person", "scope", "user_id", "at", "id", "act"),
        Index("audit_by_subject", "scope", "subject", "at", "id"),
        Index(
            "audit_by_client",
            "scope",
            "actor",
            "at",
            "id",
            "act",
            sqlite_where=text("user_id IS NULL"),
            postgresql_where=text("user_id IS NULL"),
        ),
        Index(
            "audit_failures",
            "scope",
            "result",
            "at",
            "id",
            "act",
            "user_id",
            "actor",
            sqlite_where=text("result <> 'done'"),
            postgresql_where=text("result <> 'done'"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(sa_type=Utc)
    scope: str = ""  # whose log it stands in: i:<institution>, a:<alliance>, p for the platform
    institution_id: int | None = Field(default=None)
    user_id: int | None = Field(default=None)
    actor: str = ""
    address: str = ""
    act: Act = Field(sa_type=String)
    subject: str = ""
    result: Result = Field(default=Result.DONE, sa_type=String)
    detail: dict[str, object] = Field(default_factory=dict, sa_type=JSON)
    mark: str = ""  # made with a key that is not in the database: this row was written by the product

    @property
    def refused(self) -> bool:
        return self.result == Result.REFUSED


class AuditSeal(SQLModel, table=True):
    """A link of one scope's chain. The primary key lets a number be given once: a chain cannot fork."""

    scope: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    entry_id: int = Field(unique=True)  # no foreign key: that an entry is gone has to be found, not forbidden
    link: str  # HMAC over the link before and the content of the entry
