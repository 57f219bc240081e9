"""What signing in remembers between two requests. Of every secret only a hash."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import String, UniqueConstraint
from sqlmodel import Field, SQLModel

from mip_app.core.columns import Utc


class SignInTries(SQLModel, table=True):
    """How often something was tried within a stretch of time. `key` tells only the server what it is."""

    key: str = Field(primary_key=True)
    count: int = 0
    until: datetime = Field(sa_type=Utc, index=True)  # when the counting begins anew


class KnownDevice(SQLModel, table=True):
    """A browser on which a person has signed in before."""

    __table_args__ = (UniqueConstraint("user_id", "token_hash"),)

    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="user_account.id")
    token_hash: str = Field(index=True)
    last_at: datetime = Field(sa_type=Utc, index=True)


class QrState(StrEnum):
    """In the order in which a code goes through them."""

    WAITING = "waiting"
    SCANNED = "scanned"
    APPROVED = "approved"
    REFUSED = "refused"
    USED = "used"


class QrSignIn(SQLModel, table=True):
    """A computer that asks to be signed in by a phone. It needs both: the code's approval, and its own secret."""

    id: int | None = Field(default=None, primary_key=True)
    code_hash: str = Field(unique=True)
    browser_hash: str = Field(unique=True)
    state: QrState = Field(default=QrState.WAITING, sa_type=String)
    device: str = ""
    address: str = ""
    created_at: datetime = Field(sa_type=Utc)
    expires_at: datetime = Field(sa_type=Utc, index=True)
    session_id: int | None = None  # the sign-in of the phone that approved
