"""What happened, written in the transaction of the act. Rows are added, never changed."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, Index, String
from sqlmodel import Field, SQLModel

from mip_app.core.columns import Utc


class Act(StrEnum):
    """Alphabetical; a word says the thing, then what was done to it."""

    API_KEY_CREATED = "api_key.created"
    DEPARTMENT_ADDED = "department.added"
    DEPARTMENT_CHANGED = "department.changed"
    DEPARTMENT_DELETED = "department.deleted"
    IMAGE_RECEIVED = "image.received"
    IMAGE_REFUSED = "image.refused"
    IMAGE_RETRIEVED = "image.retrieved"
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
    SIGNED_IN = "account.signed_in"
    SIGNED_OUT = "account.signed_out"
    SIGN_IN_REFUSED = "account.sign_in_refused"
    STUDY_VIEWED = "study.viewed"
    USER_ADDED = "account.added"
    USER_CHANGED = "account.changed"
    USER_CREATED = "account.created"
    USER_DISABLED = "account.disabled"
    USER_ENABLED = "account.enabled"
    USER_PASSWORDS_TAKEN = "account.passwords_taken"
    USER_PASSWORD_RESET = "account.password_reset"
    USER_PICTURE_CHANGED = "account.picture_changed"
    USER_REMOVED = "account.removed"
    USER_SECOND_FACTOR_RESET = "account.second_factor_reset"
    USERS_EXPORTED = "account.list_exported"
    USERS_IMPORTED = "account.list_imported"


class AuditEntry(SQLModel, table=True):
    """Who, when, from where, did what, to what, with which result. `subject` is an identifier, never a name."""

    __table_args__ = (Index("audit_by_time", "institution_id", "at"),)

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(sa_type=Utc)
    institution_id: int | None = Field(default=None)
    user_id: int | None = Field(default=None)
    actor: str = ""
    address: str = ""
    act: Act = Field(sa_type=String)
    subject: str = ""
    refused: bool = False
    detail: dict[str, object] = Field(default_factory=dict, sa_type=JSON)
