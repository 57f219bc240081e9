"""First sign-in without a text message: the person scans a code and follows the institution's official account.

That WeChat account, which only its owner's phone can use, then stands for the verified phone. It signs nobody in.
"""

import secrets
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import delete
from sqlmodel import Session, col, func, select

from mip_app.accounts.models import User
from mip_app.accounts.recognising import hash_of
from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core import bus
from mip_app.core.actor import Actor, Open, needs
from mip_app.core.clock import utc_now
from mip_app.core.errors import Conflict, NotVisible
from mip_app.sign_in import identities
from mip_app.sign_in.models import FollowScene, OfficialAccount, Provider
from mip_app.sign_in.official import Account
from mip_app.sign_in.official_account import secret_of

KEEP = timedelta(minutes=5)
MOST = 10  # codes for one person within an hour
STEP = "phone"  # the step of signing in that following does


class TooManyCodes(Conflict):
    code = "follow.too_many"


def follow_topic(user_id: int) -> str:
    """What a page that shows the code listens to."""
    return f"follow:{user_id}"


@needs(Open.TO_ENTERING)
def offered(session: Session, actor: Actor) -> str:
    """The name of the official account that may be followed now; '' where there is none or nothing to do."""
    row = _account(session, actor)
    return row.name if row else ""


@needs(Open.TO_ENTERING)
def begin(session: Session, actor: Actor) -> tuple[Account, str]:
    """A new code: as whom to ask WeChat for it, and its scene. Raises NotVisible, TooManyCodes."""
    row = _account(session, actor)
    if row is None:
        raise NotVisible()
    now = utc_now()
    session.execute(delete(FollowScene).where(col(FollowScene.expires_at) < now - timedelta(hours=1)))
    if _made_lately(session, actor) >= MOST:
        raise TooManyCodes()
    scene = secrets.token_hex(16)
    session.add(
        FollowScene(
            scene_hash=hash_of(scene),
            institution_id=row.institution_id,
            user_id=actor.user,
            session_id=actor.session_id or 0,
            created_at=now,
            expires_at=now + KEEP,
        )
    )
    return Account(row.app_id, secret_of(row)), scene


@needs(Open.TO_ENTERING)
def outcome(session: Session, actor: Actor) -> str:
    """What became of the newest code of this sign-in: waiting, done, elsewhere, over."""
    row = session.exec(
        select(FollowScene)
        .where(FollowScene.session_id == actor.session_id)
        .order_by(col(FollowScene.created_at).desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return "over"
    return row.outcome or ("waiting" if row.expires_at > utc_now() else "over")


@needs(Open.TO_ALL)
def scanned(session: Session, actor: Actor, institution_id: int, openid: str, scene: str) -> str:
    """WeChat says that `openid` scanned `scene`. Gives what to answer them: a key of the catalogue, or ''."""
    row = session.get(FollowScene, hash_of(scene), with_for_update=True)
    if row is None or row.institution_id != institution_id:
        return ""
    if row.outcome or row.expires_at < utc_now():
        return "follow.reply_over"
    account = session.get(OfficialAccount, institution_id)
    if account is None:
        return ""
    person = session.get_one(User, row.user_id)
    by = replace(actor, user_id=row.user_id, name=person.name, institution_id=institution_id)
    bus.touch(session, follow_topic(row.user_id))
    try:
        identities.attach(session, by, Provider.FOLLOW, f"{account.app_id}:{openid}", row.user_id)
    except identities.BoundElsewhere:
        row.outcome = "elsewhere"
        return "follow.reply_elsewhere"
    row.outcome = "done"
    if not person.phone_verified_at:
        person.phone_verified_at = utc_now()
        audit.record(session, by, Act.PHONE_STEP_DONE, f"user:{row.user_id}", method="follow")
    bus.touch(session, bus.session_topic(row.session_id))
    return "follow.reply_done"


def _account(session: Session, actor: Actor) -> OfficialAccount | None:
    if actor.pending != STEP or actor.institution_id is None:
        return None
    row = session.get(OfficialAccount, actor.institution_id)
    return row if row and row.secret and row.token else None


def _made_lately(session: Session, actor: Actor) -> int:
    made = select(func.count(col(FollowScene.scene_hash))).where(
        FollowScene.user_id == actor.user, FollowScene.created_at > utc_now() - timedelta(hours=1)
    )
    return session.exec(made).one()
