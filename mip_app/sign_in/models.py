"""What signing in remembers between two requests. Of every secret only a hash."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import String, UniqueConstraint
from sqlmodel import Field, SQLModel

from mip_app.core.columns import Utc


class Budget(SQLModel, table=True):
    """How often something was done within the current period. `key` tells only the server what it is."""

    key: str = Field(primary_key=True)
    count: int = 0
    until: datetime = Field(sa_type=Utc, index=True)  # when the counting begins anew


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


class Provider(StrEnum):
    """Who vouches for somebody. FOLLOW: scanned to follow an institution's official account; signs nobody in."""

    FOLLOW = "follow"
    WECHAT = "wechat"
    WECOM = "wecom"


class ExternalIdentity(SQLModel, table=True):
    """What a person is called at another platform."""

    __table_args__ = (UniqueConstraint("provider", "subject"),)

    id: int | None = Field(default=None, primary_key=True)
    provider: Provider = Field(sa_type=String)
    subject: str  # `union:…`, `app:openid` or `corp:userid`
    user_id: int = Field(foreign_key="user_account.id", index=True)
    bound_at: datetime = Field(sa_type=Utc)
    bound_by: int = Field(foreign_key="user_account.id")  # the person, or an administrator


class ExternalAttempt(SQLModel, table=True):
    """Somebody on the way through a provider. `state` counts once, and only in the browser that was sent."""

    state_hash: str = Field(primary_key=True)
    browser_hash: str
    provider: Provider = Field(sa_type=String)
    inside: bool = False  # opened in the provider's own app
    binds: bool = False  # asked for by somebody signed in, to bind it
    target: str = ""
    expires_at: datetime = Field(index=True, sa_type=Utc)


class PendingBinding(SQLModel, table=True):
    """An identity nobody has; whoever signs in with the browser that holds the token may take it."""

    token_hash: str = Field(primary_key=True)
    provider: Provider = Field(sa_type=String)
    subject: str
    expires_at: datetime = Field(index=True, sa_type=Utc)


class OfficialAccount(SQLModel, table=True):
    """An institution's WeChat official account. The secrets are sealed and never leave the server."""

    institution_id: int = Field(primary_key=True, foreign_key="institution.id")
    name: str
    app_id: str
    secret: str = ""
    token: str = ""
    aes_key: str = ""  # '' : messages come in plain mode


class FollowScene(SQLModel, table=True):
    """A code on somebody's screen that waits to be scanned. The scene is in the code, here only its hash."""

    scene_hash: str = Field(primary_key=True)
    institution_id: int = Field(foreign_key="institution.id")
    user_id: int = Field(foreign_key="user_account.id", index=True)
    session_id: int = Field(foreign_key="loginsession.id")
    created_at: datetime = Field(sa_type=Utc)
    expires_at: datetime = Field(index=True, sa_type=Utc)
    outcome: str = ""  # done, elsewhere


class CallbackSeen(SQLModel, table=True):
    """A message of WeChat that was taken: the same signature counts once."""

    signature: str = Field(primary_key=True)
    at: datetime = Field(index=True, sa_type=Utc)


class PhoneCode(SQLModel, table=True):
    """One code sent to one phone, for one purpose of one person. Of the code itself only a keyed hash is stored."""

    id: str = Field(primary_key=True)
    purpose: str
    user_id: int | None = Field(default=None, foreign_key="user_account.id", index=True)
    log: str = ""  # in which log stands what somebody does with it who is not signed in
    phone: str = ""  # sealed
    code_hash: str
    created_at: datetime = Field(sa_type=Utc, index=True)
    expires_at: datetime = Field(sa_type=Utc)
    tries: int = 0
    verified_at: datetime | None = Field(default=None, sa_type=Utc)
    over: bool = False  # used, replaced by a later one, or tried too often
