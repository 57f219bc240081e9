"""What signing in remembers between two requests."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from mip_app.core.columns import Utc


class SignInFailures(SQLModel, table=True):
    """Wrong passwords in a row, for accounts that exist and for those that do not alike."""

    account: str = Field(primary_key=True)
    count: int = 0
    last_at: datetime = Field(sa_type=Utc)
    locked_until: datetime | None = Field(default=None, sa_type=Utc)


class Budget(SQLModel, table=True):
    """How often something was done within the current period: codes asked for, codes and passwords tried."""

    key: str = Field(primary_key=True)
    count: int = 0
    until: datetime = Field(sa_type=Utc, index=True)


class PhoneCode(SQLModel, table=True):
    """One code sent to one phone, for one purpose of one person. Of the code itself only a keyed hash is stored."""

    id: str = Field(primary_key=True)
    purpose: str
    user_id: int | None = Field(default=None, foreign_key="user_account.id", index=True)
    phone: str = ""  # sealed
    code_hash: str
    created_at: datetime = Field(sa_type=Utc, index=True)
    expires_at: datetime = Field(sa_type=Utc)
    tries: int = 0
    verified_at: datetime | None = Field(default=None, sa_type=Utc)
    over: bool = False  # used, replaced by a later one, or tried too often
