"""What happened, written in the transaction of the act. Rows are added, never changed."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, Index, String
from sqlmodel import Field, SQLModel

from mip_app.core.columns import Utc


class Act(StrEnum):
    """Alphabetical; a word says the thing, then what was done to it."""

    API_KEY_CREATED = "api_key.created"
    CODE_REFUSED = "account.code_refused"
    CODE_SENT = "account.code_sent"
    IDENTITY_BOUND = "account.identity_bound"
    IDENTITY_UNBOUND = "account.identity_unbound"
    IMAGE_RECEIVED = "image.received"
    IMAGE_REFUSED = "image.refused"
    IMAGE_RETRIEVED = "image.retrieved"
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
    SECOND_FACTOR_GIVEN = "account.second_factor_given"
    SECOND_FACTOR_REFUSED = "account.second_factor_refused"
    SECOND_FACTOR_TURNED_OFF = "account.second_factor_turned_off"
    SECOND_FACTOR_TURNED_ON = "account.second_factor_turned_on"
    SESSION_ENDED = "account.session_ended"
    SIGNED_IN = "account.signed_in"
    SIGNED_OUT = "account.signed_out"
    SIGN_IN_REFUSED = "account.sign_in_refused"
    STUDY_VIEWED = "study.viewed"
    USER_CREATED = "account.created"


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
