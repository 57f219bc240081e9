"""The second factor: a code by time (RFC 6238) that an app on the phone shows.

A time step counts once, the one before and the one after now are taken too. Who has to give it has five tries in
a sign-in, and some more in an hour over all of them; whoever may turn it on or off is asked for the password too.
"""

import hmac
from dataclasses import dataclass
from datetime import timedelta

import pyotp
from sqlalchemy import update
from sqlmodel import Session, col

from mip_app.accounts import sessions
from mip_app.accounts.models import LoginSession, User
from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core.actor import Actor, Open, Side, needs
from mip_app.core.clock import utc_now
from mip_app.core.errors import Conflict, NotPermitted
from mip_app.core.sealing import seal, unseal
from mip_app.core.settings import settings
from mip_app.sign_in import budgets
from mip_app.sign_in.budgets import Limit, limit

STEP = 30  # seconds
TRIES = 5
ISSUER = "MIP"
_PURPOSE = "user.second_factor"
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What the app has to know. Shown once, to its owner."""

    key: str  # in groups of four, to be typed
    qr: str  # an SVG as a data address


@needs(Open.TO_ENTERING)
def prove(session: Session, actor: Actor, code: str) -> str:
    """The step of signing in. '' when it is done, else a key of the catalogue; after five the sign-in is over.

    Never raises: each try is counted.
    """
    if actor.pending != "second_factor":
        return "second_factor.not_asked"
    limits = _limits(actor)
    if budgets.spend(session, limits):
        return _over(session, actor)
    if not _take_step(session, actor.user, code):
        audit.record(session, actor, Act.SECOND_FACTOR_REFUSED, refused=True)
        return _over(session, actor) if budgets.wait_for(session, limits[:1]) else "second_factor.wrong"
    budgets.forget(session, limits)
    session.get_one(LoginSession, actor.session_id).second_factor_at = utc_now()
    audit.record(session, actor, Act.SECOND_FACTOR_GIVEN)
    return ""


@needs(Open.TO_ENTERING)
def begin(session: Session, actor: Actor) -> Enrolment:
    """A new secret, worth nothing until a code of it was given. Raises NotPermitted, Conflict."""
    user = _may_turn_on(session, actor)
    secret = pyotp.random_base32()
    user.second_factor, user.second_factor_step = seal(secret, _PURPOSE, user.id), 0
    return Enrolment(
        " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)), _qr(secret, user.account)
    )


@needs(Open.TO_ENTERING)
def confirm(session: Session, actor: Actor, code: str) -> str:
    """Turn it on: the app shows the right codes. '' or a key of the catalogue; never raises for a wrong code."""
    user = _may_turn_on(session, actor)
    if budgets.spend(session, [limit(20, "second_factor.confirm", str(user.id), period=_HOUR)]):
        return "second_factor.too_many"
    if not user.second_factor or not _take_step(session, actor.user, code):
        return "second_factor.wrong"
    user.second_factor_since = utc_now()
    session.get_one(LoginSession, actor.session_id).second_factor_at = utc_now()
    # Whoever is signed in elsewhere as this person is asked for it as well: by signing in anew.
    sessions.end_sessions(session, [actor.user], but=actor.session_id)
    audit.record(session, actor, Act.SECOND_FACTOR_TURNED_ON)
    return ""


@needs(Open.TO_SIGNED_IN)
def turn_off(session: Session, actor: Actor, code: str) -> str:
    """After the password was checked. '' or a key of the catalogue. Raises NotPermitted."""
    if required(actor):
        raise NotPermitted("second_factor.required")
    if budgets.spend(session, [_per_person(actor)]):
        return "second_factor.too_many"
    if not _take_step(session, actor.user, code):
        audit.record(session, actor, Act.SECOND_FACTOR_REFUSED, refused=True)
        return "second_factor.wrong"
    user = session.get_one(User, actor.user)
    user.second_factor, user.second_factor_since = "", None
    audit.record(session, actor, Act.SECOND_FACTOR_TURNED_OFF)
    return ""


def required(actor: Actor) -> bool:
    """Whether this sign-in would not be possible without."""
    return actor.side is Side.ADMIN and settings().admin_second_factor


def _may_turn_on(session: Session, actor: Actor) -> User:
    if actor.pending not in ("", "enrol"):
        raise NotPermitted()
    user = session.get_one(User, actor.user)
    if user.second_factor_since:
        raise Conflict("second_factor.on_already")
    return user


def _take_step(session: Session, user_id: int, code: str) -> bool:
    """Whether `code` is one of now, and of a step that was not used yet; it is used then."""
    user = session.get_one(User, user_id)
    session.refresh(user)
    if not user.second_factor or not code:
        return False
    generator = pyotp.TOTP(unseal(user.second_factor, _PURPOSE, user_id), interval=STEP)
    now = int(utc_now().timestamp()) // STEP
    found = [at for at in (now - 1, now, now + 1) if hmac.compare_digest(generator.generate_otp(at), code)]
    if not found:
        return False
    # One statement: of two requests with the same code one is too late.
    used = session.execute(
        update(User)
        .where(col(User.id) == user_id, col(User.second_factor_step) < found[-1])
        .values(second_factor_step=found[-1])
        .returning(col(User.id))
        .execution_options(synchronize_session=False)
    )
    return bool(used.all())


def _over(session: Session, actor: Actor) -> str:
    sessions.close_session(session, actor)
    return "second_factor.too_many"


def _limits(actor: Actor) -> list[Limit]:
    return [
        limit(TRIES, "second_factor.session", str(actor.session_id), period=timedelta(days=1)),
        _per_person(actor),
    ]


def _per_person(actor: Actor) -> Limit:
    return limit(20, "second_factor.user", str(actor.user), period=_HOUR)


def _qr(secret: str, account: str) -> str:
    import segno

    address = pyotp.TOTP(secret, interval=STEP).provisioning_uri(name=account, issuer_name=ISSUER)
    return segno.make(address, error="m").svg_data_uri(scale=5, border=2)
