"""Who there is: alliances, their institutions and departments, the people in them, and how they are signed in."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, String, UniqueConstraint
from sqlmodel import Field, SQLModel

from mip_app.core.actor import Side
from mip_app.core.columns import Utc


class Role(StrEnum):
    """The roles delivered; `roles.py` says what each may. An institution edits them and adds its own."""

    OPERATOR = "operator"
    ALLIANCE_ADMIN = "alliance_admin"
    INSTITUTION_ADMIN = "institution_admin"
    REPORTER = "reporter"
    REVIEWER = "reviewer"
    CONSULTATION_REVIEWER = "consultation_reviewer"
    CLINICIAN = "clinician"
    TECHNICIAN = "technician"
    AUDITOR = "auditor"


class Alliance(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    name_en: str = ""
    disabled: bool = False


class Institution(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    alliance_id: int = Field(foreign_key="alliance.id", index=True)
    code: str = Field(unique=True)  # as in `--institution CODE`
    name: str
    name_en: str = ""
    level: str = ""  # 三级甲等
    address: str = ""
    phone: str = ""
    time_zone: str = "Asia/Shanghai"
    logo: str = ""  # blob key
    disabled: bool = False


class Department(SQLModel, table=True):
    __table_args__ = (UniqueConstraint("institution_id", "name"),)

    id: int | None = Field(default=None, primary_key=True)
    institution_id: int = Field(foreign_key="institution.id", index=True)
    name: str
    name_en: str = ""
    disabled: bool = False


class RoleSet(SQLModel, table=True):
    """What one institution made of a delivered role, or a role of its own."""

    institution_id: int = Field(primary_key=True, foreign_key="institution.id")
    code: str = Field(primary_key=True)  # a Role, or `own-…`
    name: str = ""  # of its own roles; a delivered one is named by the catalogue
    permissions: list[str] = Field(default_factory=list, sa_type=JSON)


class User(SQLModel, table=True):
    """A person. One account, whatever the number of institutions they work in."""

    __tablename__ = "user_account"  # `user` is a word of SQL

    id: int | None = Field(default=None, primary_key=True)
    account: str = Field(unique=True)
    name: str
    keywords: str = ""  # account, name and its readings in lower case, for searching
    title: str = ""  # 主治医师, as printed beside the signature
    password_hash: str
    first_login: bool = False  # phone and password are still to be set
    phone: str = ""  # sealed; see `phones.py`
    phone_index: str = Field(default="", index=True)
    phone_verified_at: datetime | None = Field(default=None, sa_type=Utc)
    second_factor: str = ""  # sealed secret of the code generator (RFC 6238)
    second_factor_since: datetime | None = Field(default=None, sa_type=Utc)  # None: not confirmed yet
    second_factor_step: int = 0  # the last time step used: a code counts once
    avatar: str = ""  # blob keys
    signature: str = ""
    disabled: bool = False
    created_at: datetime = Field(sa_type=Utc)
    last_sign_in_at: datetime | None = Field(default=None, sa_type=Utc)


class Membership(SQLModel, table=True):
    """What a person is where. Operators belong to no institution, alliance administrators to an alliance."""

    __table_args__ = (UniqueConstraint("user_id", "institution_id", "alliance_id"),)

    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="user_account.id", index=True)
    institution_id: int | None = Field(default=None, foreign_key="institution.id", index=True)
    alliance_id: int | None = Field(default=None, foreign_key="alliance.id")
    department_id: int | None = Field(default=None, foreign_key="department.id", index=True)
    roles: list[str] = Field(default_factory=list, sa_type=JSON)
    extra: list[str] = Field(default_factory=list, sa_type=JSON)  # permissions of this person alone
    disabled: bool = False
    joined_at: datetime | None = Field(default=None, sa_type=Utc)  # None: before this was noted
    removed_at: datetime | None = Field(default=None, sa_type=Utc)  # no longer one of them; is disabled, too


class LoginSession(SQLModel, table=True):
    """One sign-in on one device. The cookie holds a random token, this row only its hash."""

    id: int | None = Field(default=None, primary_key=True)
    token_hash: str = Field(unique=True)
    membership_id: int = Field(foreign_key="membership.id")
    user_id: int = Field(foreign_key="user_account.id", index=True)
    side: Side = Field(default=Side.WORK, sa_type=String)
    method: str = "password"  # password, qr, wechat, wecom
    second_factor_at: datetime | None = Field(default=None, sa_type=Utc)
    password_at: datetime | None = Field(default=None, sa_type=Utc)  # when it was given; switching keeps it
    created_at: datetime = Field(sa_type=Utc)
    last_seen_at: datetime = Field(sa_type=Utc)
    expires_at: datetime = Field(sa_type=Utc)
    revoked_at: datetime | None = Field(default=None, sa_type=Utc)
    address: str = ""
    device: str = ""


class KnownDevice(SQLModel, table=True):
    """A browser on which a person has signed in before."""

    __table_args__ = (UniqueConstraint("user_id", "token_hash"),)

    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="user_account.id")
    token_hash: str = Field(index=True)
    last_at: datetime = Field(sa_type=Utc, index=True)


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


class ImportDraft(SQLModel, table=True):
    """A list of people somebody uploaded and has not taken over yet; nobody else sees it."""

    id: str = Field(primary_key=True)  # random, as its page's address names it
    institution_id: int = Field(foreign_key="institution.id")
    user_id: int = Field(foreign_key="user_account.id", index=True)
    lines: str  # sealed: names and phone numbers
    passwords: str = ""  # sealed; of the people taken over, until they are handed out
    imported: int = 0
    created_at: datetime = Field(sa_type=Utc)
    expires_at: datetime = Field(sa_type=Utc)
    done_at: datetime | None = Field(default=None, sa_type=Utc)
