"""A forgotten password: account and phone, a code, a new password. What is asked is answered alike for everybody."""

from sqlmodel import Session, col, select

from mip_app.accounts import known_devices, notices, phones, sessions
from mip_app.accounts.models import User
from mip_app.accounts.password_policy import Judgement, judge
from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core.actor import Actor, Open, needs
from mip_app.core.database import read, write
from mip_app.sign_in import codes, identities
from mip_app.sign_in.codes import Purpose, Sent, Tried
from mip_app.sign_in.new_password import Known, checked, known_of
from mip_app.sign_in.password import forgive


@needs(Open.TO_ALL)
def send_code(session: Session, actor: Actor, account: object, typed: object) -> Sent:
    """Where both belong to one person, that person is sent a code; whoever asks is told the same."""
    phone = phones.normalised(typed if isinstance(typed, str) else "")
    key = sessions.account_key(account if isinstance(account, str) else "")
    if not phone or not key:
        return Sent(error="phone.not_a_number" if key else "forgot.no_account")
    user_id = session.exec(
        select(User.id).where(
            User.account == key,
            User.phone_index == phones.index_of(phone),
            col(User.phone_verified_at).is_not(None),
            col(User.disabled).is_(False),
        )
    ).first()
    return codes.send(session, actor, Purpose.FORGOT, phone, user_id, account=key)


@needs(Open.TO_ALL)
def verify(session: Session, actor: Actor, ticket: object, typed: object) -> Tried:
    return codes.try_code(session, actor, codes.ticket_of(ticket), Purpose.FORGOT, codes.digits(typed))


@needs(Open.TO_ALL)
def judged(session: Session, actor: Actor, ticket: object, password: object) -> Judgement:
    """For the page, while somebody types. Raises CodeRefused."""
    user_id = codes.proved(session, codes.ticket_of(ticket), Purpose.FORGOT)
    words = known_of(session, actor, user_id).words
    return judge(password if isinstance(password, str) else "", words)


@needs(Open.TO_ALL)
def set_password(actor: Actor, ticket: object, new: object, again: object) -> None:
    """In several units: a hash takes long on purpose. Raises PasswordRefused, CodeRefused."""
    write(store_password, actor, ticket, checked(read(known, actor, ticket), new, again))


@needs(Open.TO_ALL)
def known(session: Session, actor: Actor, ticket: object) -> Known:
    return known_of(session, actor, codes.proved(session, codes.ticket_of(ticket), Purpose.FORGOT))


@needs(Open.TO_ALL)
def store_password(session: Session, actor: Actor, ticket: object, password_hash: str) -> None:
    """With it every sign-in of theirs is over, and a wait for wrong passwords too. Raises CodeRefused."""
    user_id = codes.proved(session, codes.ticket_of(ticket), Purpose.FORGOT)
    codes.use_up(session, codes.ticket_of(ticket))
    user = session.get_one(User, user_id)
    if user.first_login:
        identities.begin_anew(session, actor, user_id)
    user.password_hash, user.first_login = password_hash, False
    notices.tell_password_reset(session, user)
    forgive(session, actor, user.account)
    known_devices.forget(session, [user_id])
    sessions.end_sessions(session, [user_id])
    audit.record(session, actor, Act.PASSWORD_RESET, f"user:{user_id}")
