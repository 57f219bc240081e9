"""One's own account: what it says, phone, password, second factor. Whoever changes it gives the password."""

from dataclasses import dataclass
from datetime import timedelta
from math import ceil

from sqlmodel import Session, col, func, select

from mip_app.accounts import passwords, phones, sessions
from mip_app.accounts.models import Alliance, Institution, Membership, RoleSet, User
from mip_app.accounts.password_policy import Judgement, judge
from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core.actor import Actor, Open, needs
from mip_app.core.database import read, write
from mip_app.core.errors import Invalid
from mip_app.sign_in import budgets, codes, second_factor
from mip_app.sign_in.account.devices import zone_of
from mip_app.sign_in.budgets import Limit, limit
from mip_app.sign_in.codes import Purpose, Sent
from mip_app.sign_in.new_password import Known, checked, known_of
from mip_app.sign_in.welcome.service import keep_phone


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody works ('' is the platform), as what: `roles` are (key of the catalogue, name of an own role)."""

    name: str
    roles: list[tuple[str, str]]
    here: bool


@dataclass(frozen=True, slots=True)
class Own:
    name: str
    title: str
    account: str
    phone: str  # masked
    places: list[Place]
    second_factor: str  # since when, or ''
    required: bool  # the second factor cannot be turned off in this sign-in


class WrongPassword(Invalid):
    code = "password.wrong"


@needs(Open.TO_SIGNED_IN)
def own(session: Session, actor: Actor) -> Own:
    user = session.get_one(User, actor.user)
    since = user.second_factor_since
    return Own(
        name=user.name,
        title=user.title,
        account=user.account,
        phone=phones.masked(phones.opened(user.phone, actor.user)),
        places=_places(session, actor),
        second_factor=f"{since.astimezone(zone_of(session, actor)):%Y-%m-%d}" if since else "",
        required=second_factor.required(actor),
    )


@needs(Open.TO_SIGNED_IN)
def judged(session: Session, actor: Actor, password: object) -> Judgement:
    """For the page, while somebody types."""
    words = known_of(session, actor, actor.user).words
    return judge(password if isinstance(password, str) else "", words)


@needs(Open.TO_SIGNED_IN)
def change_password(actor: Actor, old: object, new: object, again: object) -> None:
    """Every other sign-in of theirs ends. Raises WrongPassword, PasswordRefused."""
    known = _prove(actor, old)
    write(store_password, actor, checked(known, new, again))


@needs(Open.TO_SIGNED_IN)
def send_phone_code(actor: Actor, password: object, typed: object) -> Sent:
    """A code to the new phone. Raises WrongPassword."""
    phone = phones.normalised(typed if isinstance(typed, str) else "")
    if not phone:
        return Sent(error="phone.not_a_number")
    _prove(actor, password)
    return write(_send_code, actor, phone)


@needs(Open.TO_SIGNED_IN)
def turn_on(actor: Actor, password: object, typed: object) -> str:
    """The second factor. '' or a key of the catalogue. Raises WrongPassword."""
    _prove(actor, password)
    return write(second_factor.confirm, actor, codes.digits(typed))


@needs(Open.TO_SIGNED_IN)
def turn_off(actor: Actor, password: object, typed: object) -> str:
    """The second factor. '' or a key of the catalogue. Raises WrongPassword, NotPermitted."""
    _prove(actor, password)
    return write(second_factor.turn_off, actor, codes.digits(typed))


@needs(Open.TO_SIGNED_IN)
def begin_enrolment(session: Session, actor: Actor) -> second_factor.Enrolment:
    return second_factor.begin(session, actor)


@needs(Open.TO_SIGNED_IN)
def confirm_phone(session: Session, actor: Actor, typed: object) -> str:
    """'' when the new phone is theirs, else a key of the catalogue."""
    ticket = codes.latest(session, actor.user, Purpose.CHANGE_PHONE)
    tried = codes.try_code(session, actor, ticket, Purpose.CHANGE_PHONE, codes.digits(typed))
    if tried.error:
        return tried.error
    keep_phone(session, actor, tried.phone)
    return ""


@needs(Open.TO_SIGNED_IN)
def send_again(session: Session, actor: Actor) -> Sent:
    """Another one to where the last one went: the password was given for that phone."""
    phone = codes.phone_of(session, codes.last(session, actor.user, Purpose.CHANGE_PHONE))
    return _send_code(session, actor, phone) if phone else Sent(error="code.over")


@needs(Open.TO_SIGNED_IN)
def store_password(session: Session, actor: Actor, password_hash: str) -> None:
    session.get_one(User, actor.user).password_hash = password_hash
    sessions.end_sessions(session, [actor.user], but=actor.session_id)
    audit.record(session, actor, Act.PASSWORD_CHANGED, f"user:{actor.user}")


@needs(Open.TO_SIGNED_IN)
def _send_code(session: Session, actor: Actor, phone: str) -> Sent:
    return codes.send(session, actor, Purpose.CHANGE_PHONE, phone, actor.user)


def _prove(actor: Actor, password: object) -> Known:
    """Counted before it is checked; the hash takes long on purpose, outside of any transaction."""
    if wait := write(count_password, actor):
        raise WrongPassword("password.too_many", minutes=ceil(wait.total_seconds() / 60))
    known = read(known_hash, actor)
    right = (
        isinstance(password, str)
        and len(password) <= 200
        and passwords.matches(known.password_hash, password)
    )
    write(note_password, actor, right)
    if not right:
        raise WrongPassword()
    return known


@needs(Open.TO_SIGNED_IN)
def count_password(session: Session, actor: Actor) -> timedelta:
    return budgets.spend(session, [_tries(actor)])


@needs(Open.TO_SIGNED_IN)
def known_hash(session: Session, actor: Actor) -> Known:
    return known_of(session, actor, actor.user)


@needs(Open.TO_SIGNED_IN)
def note_password(session: Session, actor: Actor, right: bool) -> None:
    if right:
        budgets.forget(session, [_tries(actor)])
    else:
        audit.record(session, actor, Act.PASSWORD_REFUSED, refused=True)


def _tries(actor: Actor) -> Limit:
    return limit(5, "password.own", str(actor.user), period=timedelta(minutes=15))


def _places(session: Session, actor: Actor) -> list[Place]:
    rows = session.execute(
        select(
            col(Membership.id),
            col(Membership.roles),
            col(Membership.institution_id),
            func.coalesce(Institution.name, Alliance.name, "").label("name"),
        )
        .join(Institution, col(Institution.id) == Membership.institution_id, isouter=True)
        .join(Alliance, col(Alliance.id) == Membership.alliance_id, isouter=True)
        .where(Membership.user_id == actor.user, col(Membership.disabled).is_(False))
        .order_by(col(Membership.id))
    ).all()
    names = {
        (row.institution_id, row.code): row.name
        for row in session.exec(
            select(RoleSet).where(col(RoleSet.institution_id).in_([row.institution_id for row in rows]))
        )
    }
    return [
        Place(
            row.name,
            [(f"role.{code}", names.get((row.institution_id, code)) or code) for code in row.roles],
            row.id == actor.membership_id,
        )
        for row in rows
    ]
