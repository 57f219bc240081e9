"""Who there is: alliances, their institutions, the people in them, and how they are signed in."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, String, UniqueConstraint
from sqlmodel import Field, SQLModel

from mip_app.core.columns import Utc


class Role(StrEnum):
    """A named set of permissions; the sets are in `roles.py`."""

    OPERATOR = "operator"
    ALLIANCE_ADMIN = "alliance_admin"
    INSTITUTION_ADMIN = "institution_admin"
    REPORTER = "reporter"
    REVIEWER = "reviewer"
    CLINICIAN = "clinician"
    TECHNICIAN = "technician"
    AUDITOR = "auditor"


class Alliance(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)


class Institution(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    alliance_id: int = Field(foreign_key="alliance.id", index=True)
    code: str = Field(unique=True)  # as in `--institution CODE`
    name: str
    name_en: str = ""
    address: str = ""
    phone: str = ""
    time_zone: str = "Asia/Shanghai"


class User(SQLModel, table=True):
    __tablename__ = "user_account"  # `user` is a word of SQL

    id: int | None = Field(default=None, primary_key=True)
    account: str = Field(unique=True)
    name: str
    title: str = ""  # 主治医师, as printed beside the signature
    password_hash: str
    disabled: bool = False
    created_at: datetime = Field(sa_type=Utc)


class Membership(SQLModel, table=True):
    """What a person is where. Operators belong to no institution, alliance administrators to an alliance."""

    __table_args__ = (UniqueConstraint("user_id", "institution_id", "alliance_id"),)

    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="user_account.id", index=True)
    institution_id: int | None = Field(default=None, foreign_key="institution.id", index=True)
    alliance_id: int | None = Field(default=None, foreign_key="alliance.id")
    role: Role = Field(sa_type=String)


class LoginSession(SQLModel, table=True):
    """One sign-in on one device. The cookie holds a random token, this row only its hash."""

    id: int | None = Field(default=None, primary_key=True)
    token_hash: str = Field(unique=True)
    membership_id: int = Field(foreign_key="membership.id")
    user_id: int = Field(foreign_key="user_account.id", index=True)
    created_at: datetime = Field(sa_type=Utc)
    last_seen_at: datetime = Field(sa_type=Utc)
    expires_at: datetime = Field(sa_type=Utc)
    revoked_at: datetime | None = Field(default=None, sa_type=Utc)
    address: str = ""
    device: str = ""


class SignInFailures(SQLModel, table=True):
    """Wrong passwords in a row, for accounts that exist and for those that do not alike."""

    account: str = Field(primary_key=True)
    count: int = 0
    last_at: datetime = Field(sa_type=Utc)
    locked_until: datetime | None = Field(default=None, sa_type=Utc)


class ApiKey(SQLModel, table=True):
    """A machine's way in: DICOMweb clients and gateways of one institution."""

    id: int | None = Field(default=None, primary_key=True)
    institution_id: int = Field(foreign_key="institution.id", index=True)
    name: str
    key_hash: str = Field(unique=True)
    created_at: datetime = Field(sa_type=Utc)
    revoked_at: datetime | None = Field(default=None, sa_type=Utc)


class Preference(SQLModel, table=True):
    """What a person chose for a page: which columns, which row height."""

    user_id: int = Field(primary_key=True, foreign_key="user_account.id")
    key: str = Field(primary_key=True)
    value: dict[str, object] = Field(sa_type=JSON)
