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
