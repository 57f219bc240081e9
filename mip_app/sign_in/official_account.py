"""An institution's WeChat official account: its settings, and the letters WeChat posts for it."""

import re
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete
from sqlmodel import Session, col, select

from mip_app.accounts.models import Institution
from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core.actor import Actor, Open, Permission, needs
from mip_app.core.clock import utc_now
from mip_app.core.errors import Invalid, NotVisible
from mip_app.core.sealing import seal, unseal
from mip_app.sign_in import envelope
from mip_app.sign_in.envelope import FRESH
from mip_app.sign_in.models import CallbackSeen, OfficialAccount

_PURPOSE = "official_account"
_APP_ID = re.compile(r"wx[0-9a-z]{8,30}")
_TOKEN = re.compile(r"[A-Za-z0-9]{3,32}")
_SECRET = re.compile(r"[A-Za-z0-9]{16,64}")


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page may know: of secrets, whether there is one."""

    name: str
    app_id: str
    has_secret: bool
    has_token: bool
    has_aes_key: bool
    callback: str  # the path that WeChat is told


@dataclass(frozen=True, slots=True)
class Channel:
    """What checking a letter needs."""

    institution_id: int
    app_id: str
    token: str
    aes_key: str


@needs(Permission.ADMIN_INSTITUTION)
def shown(session: Session, actor: Actor) -> Shown:
    """The settings of the own institution's account."""
    code = session.get_one(Institution, actor.institution).code
    row = session.get(OfficialAccount, actor.institution)
    path = f"/wechat/callback/{code}"
    if row is None:
        return Shown("", "", False, False, False, path)
    return Shown(row.name, row.app_id, bool(row.secret), bool(row.token), bool(row.aes_key), path)


@needs(Permission.ADMIN_INSTITUTION)
def change(
    session: Session, actor: Actor, *, name: str, app_id: str, secret: str, token: str, aes_key: str
) -> None:
    """Set the own institution's account. An empty secret keeps what is there, `-` takes the AES key away.

    Raises Invalid with what is wrong.
    """
    name, app_id = str(name).strip()[:60], str(app_id).strip()
    row = session.get(OfficialAccount, actor.institution)
    if not name:
        raise Invalid("official.no_name")
    if not _APP_ID.fullmatch(app_id):
        raise Invalid("official.bad_app_id")
    row = row or OfficialAccount(institution_id=actor.institution, name=name, app_id=app_id)
    if row.app_id != app_id:  # the secrets of another account are worth nothing
        row.secret = row.token = row.aes_key = ""
    row.name, row.app_id = name, app_id
    row.secret = _new(secret, _SECRET, "secret", row.secret, actor.institution)
    row.token = _new(token, _TOKEN, "token", row.token, actor.institution)
    if aes_key.strip() == "-":
        row.aes_key = ""
    elif aes_key.strip() and not envelope.is_aes_key(aes_key.strip()):
        raise Invalid("official.bad_aes_key")
    elif aes_key.strip():
        row.aes_key = seal(aes_key.strip(), f"{_PURPOSE}.aes_key", actor.institution)
    session.add(row)
    audit.record(session, actor, Act.OFFICIAL_ACCOUNT_CHANGED, f"institution:{actor.institution}")


@needs(Permission.ADMIN_INSTITUTION)
def remove(session: Session, actor: Actor) -> None:
    """The own institution has no account any more."""
    session.execute(delete(OfficialAccount).where(col(OfficialAccount.institution_id) == actor.institution))
    audit.record(
        session, actor, Act.OFFICIAL_ACCOUNT_CHANGED, f"institution:{actor.institution}", removed=True
    )


@needs(Open.TO_ALL)
def channel_of(session: Session, actor: Actor, code: str) -> Channel:
    """Raises NotVisible for an institution that does not exist, is closed, or has no account."""
    found = session.exec(
        select(OfficialAccount)
        .join(Institution, col(Institution.id) == OfficialAccount.institution_id)
        .where(Institution.code == code, col(Institution.disabled).is_(False))
    ).one_or_none()
    if found is None or not found.token:
        raise NotVisible()
    row = found.institution_id
    return Channel(
        row,
        found.app_id,
        unseal(found.token, f"{_PURPOSE}.token", row),
        unseal(found.aes_key, f"{_PURPOSE}.aes_key", row),
    )


@needs(Open.TO_ALL)
def first_time(session: Session, actor: Actor, channel: Channel, nonce: str, signature: str) -> bool:
    """Whether a letter with this signature comes for the first time; remembered as long as it would be fresh."""
    now = utc_now()
    session.execute(delete(CallbackSeen).where(col(CallbackSeen.at) < now - timedelta(seconds=3 * FRESH)))
    key = f"{channel.institution_id}:{nonce[:64]}:{signature[:64]}"
    if session.get(CallbackSeen, key) is not None:
        return False
    session.add(CallbackSeen(signature=key, at=now))
    return True


def secret_of(row: OfficialAccount) -> str:
    """For services that speak as the account."""
    return unseal(row.secret, f"{_PURPOSE}.secret", row.institution_id)


def _new(given: str, form: re.Pattern[str], what: str, before: str, institution: int) -> str:
    text = str(given).strip()
    if not text and before:
        return before
    if not form.fullmatch(text):
        raise Invalid(f"official.bad_{what}")
    return seal(text, f"{_PURPOSE}.{what}", institution)
