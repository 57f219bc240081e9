"""First login, step by step. Each step is done by whoever it is asked of, and by nobody else."""

from dataclasses import dataclass

from sqlmodel import Session, col, select

from mip_app.accounts import notices, phones, recognising, sessions
from mip_app.accounts.models import LoginSession, User
from mip_app.accounts.password_policy import Judgement, judge
from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core.actor import Actor, Open, needs
from mip_app.core.clock import utc_now
from mip_app.core.database import read, write
from mip_app.core.errors import NotPermitted
from mip_app.sign_in import codes, identities, second_factor
from mip_app.sign_in.codes import Purpose, Sent
from mip_app.sign_in.new_password import Known, checked, known_of

PHONE = ("phone", "password")  # the steps that show the phone: before the second factor nothing is told


@dataclass(frozen=True, slots=True)
class Progress:
    """What the page shows."""

    step: str  # second_factor, phone, password, enrol, or done
    name: str
    institution: str
    phone: str  # masked; '' where none is known
    sent: bool = False  # a code is on its way


@needs(Open.TO_ENTERING)
def progress(session: Session, actor: Actor) -> Progress:
    user = session.get_one(User, actor.user)
    sent = bool(actor.pending == "phone" and codes.latest(session, actor.user, Purpose.BIND))
    return Progress(
        step=actor.pending or "done",
        name=actor.name,
        institution=actor.institution_name,
        phone=phones.masked(phones.opened(user.phone, actor.user)) if actor.pending in PHONE else "",
        sent=sent,
    )


@needs(Open.TO_ENTERING)
def send_code(session: Session, actor: Actor, typed: object) -> Sent:
    """To the phone that the administrator entered; where there is none, to the one typed."""
    _at(actor, "phone")
    user = session.get_one(User, actor.user)
    known = phones.opened(user.phone, actor.user)
    phone = known or phones.normalised(typed if isinstance(typed, str) else "")
    if not phone:
        return Sent(error="phone.not_a_number")
    return codes.send(session, actor, Purpose.BIND, phone, actor.user)


@needs(Open.TO_ENTERING)
def send_again(session: Session, actor: Actor) -> Sent:
    """Another one to where the last one went."""
    _at(actor, "phone")
    phone = codes.phone_of(session, codes.last(session, actor.user, Purpose.BIND))
    return codes.send(session, actor, Purpose.BIND, phone, actor.user) if phone else Sent(error="code.over")


@needs(Open.TO_ENTERING)
def verify_phone(session: Session, actor: Actor, typed: object) -> str:
    """'' when the phone is verified, else a key of the catalogue."""
    _at(actor, "phone")
    ticket = codes.latest(session, actor.user, Purpose.BIND)
    tried = codes.try_code(session, actor, ticket, Purpose.BIND, codes.digits(typed))
    if tried.error:
        return tried.error
    keep_phone(session, actor, tried.phone)
    return ""


@needs(Open.TO_ENTERING)
def keep_phone(session: Session, actor: Actor, phone: str) -> None:
    """It is proved to be theirs; a former one that was, too, is told."""
    user = session.get_one(User, actor.user)
    notices.tell_former_phone(session, user, phone)
    user.phone, user.phone_index = phones.sealed(phone, actor.user), phones.index_of(phone)
    user.phone_verified_at = utc_now()
    audit.record(session, actor, Act.PHONE_CHANGED, f"user:{user.id}")


@needs(Open.TO_ENTERING)
def judged(session: Session, actor: Actor, password: object) -> Judgement:
    """For the page, while somebody types."""
    words = known_of(session, actor, actor.user).words
    return judge(password if isinstance(password, str) else "", words)


@needs(Open.TO_ENTERING)
def set_password(actor: Actor, new: object, again: object) -> None:
    """The last step. In several units: a hash takes long on purpose. Raises PasswordRefused, NotPermitted."""
    write(store_password, actor, checked(read(known, actor), new, again))


@needs(Open.TO_ENTERING)
def known(session: Session, actor: Actor) -> Known:
    _at(actor, "password")
    return known_of(session, actor, actor.user)


@needs(Open.TO_ENTERING)
def store_password(session: Session, actor: Actor, password_hash: str) -> None:
    _at(actor, "password")
    again = recognising.actor_again(session, actor)
    if again is None or again.pending != "password":  # done meanwhile, or signed out
        raise NotPermitted()
    user = session.exec(select(User).where(col(User.id) == actor.user).with_for_update()).one()
    user.password_hash, user.first_login = password_hash, False
    session.get_one(LoginSession, actor.session_id).password_at = utc_now()
    identities.begin_anew(session, actor, actor.user)
    sessions.end_sessions(session, [actor.user], but=actor.session_id)
    audit.record(session, actor, Act.PASSWORD_CHANGED, f"user:{user.id}", first=True)


@needs(Open.TO_ENTERING)
def begin_enrolment(session: Session, actor: Actor) -> second_factor.Enrolment:
    _at(actor, "enrol")
    return second_factor.begin(session, actor)


@needs(Open.TO_ENTERING)
def confirm_enrolment(session: Session, actor: Actor, typed: object) -> str:
    """'' when it is on, else a key of the catalogue."""
    _at(actor, "enrol")
    return second_factor.confirm(session, actor, codes.digits(typed))


@needs(Open.TO_ENTERING)
def prove(session: Session, actor: Actor, typed: object) -> str:
    """The second factor of this sign-in: '' when it is right, else a key of the catalogue."""
    return second_factor.prove(session, actor, codes.digits(typed))


def _at(actor: Actor, step: str) -> None:
    if actor.pending != step:
        raise NotPermitted()
