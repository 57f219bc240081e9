"""What is on its way to somebody's phone."""

from datetime import datetime
from enum import StrEnum

from sqlmodel import Field, SQLModel

from mip_app.core.columns import Utc


class Template(StrEnum):
    """What is said; the words are approved at the provider, whose number the settings know."""

    CODE_BIND = "code.bind"
    CODE_CHANGE_PHONE = "code.change_phone"
    CODE_FORGOT = "code.forgot"
    PASSWORD_RESET = "notice.password_reset"  # no parameter
    PHONE_CHANGED = "notice.phone_changed"  # the last four digits of the new one


class OutboxMessage(SQLModel, table=True):
    """Written in the transaction of the act that says it, sent by the relay. The row is the truth."""

    id: str = Field(primary_key=True)
    template: str
    phone: str = ""  # sealed; both are wiped once it is sent, refused or too late
    parameters: str = ""  # sealed: a list in JSON, in the order of the template
    created_at: datetime = Field(sa_type=Utc)
    expires_at: datetime = Field(sa_type=Utc)
    due_at: datetime | None = Field(
        default=None, sa_type=Utc, index=True
    )  # None: done with, one way or other
    sent_at: datetime | None = Field(default=None, sa_type=Utc)
    attempts: int = 0
    error: str = ""  # the provider's code of the last refusal, never its words: they name the phone
