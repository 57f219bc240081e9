"""People who sign in, who have a phone, and what was sent to it; a server that sees many addresses."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import httpx
import pytest
from sqlmodel import Session, col, select

from mip_app.accounts import opening, phones, recognising, sessions
from mip_app.accounts.models import Role, User
from mip_app.core import database
from mip_app.core.actor import Actor, Side
from mip_app.core.clock import utc_now
from mip_app.messages import outbox
from mip_app.messages.models import OutboxMessage
from mip_app.sign_in.models import Budget
from tests.site import Site, inside

PASSWORD = "correct horse battery"
PHONE = "13800000210"
OTHER_PHONE = "13900000001"


@pytest.fixture
def open_person(jn1: int) -> Callable[..., int]:
    """`open_person("lin", phone=PHONE, verified=True, first_login=False)`: an account; gives its user."""

    def make(
        account: str = "lin", *, phone: str = "", verified: bool = False, role: Role = Role.REPORTER, **more
    ) -> int:
        user_id = database.write(
            opening.open_account, opening.CONSOLE, account, "林望舒", PASSWORD, role, institution_id=jn1
        )
        with Session(database.engine()) as session, session.begin():
            user = session.get_one(User, user_id)
            user.phone, user.phone_index = phones.sealed(phone, user_id), phones.index_of(phone)
            user.phone_verified_at = utc_now() if verified else None
            for name, value in more.items():
                setattr(user, name, value)
        return user_id

    return make


def enters(user_id: int, address: str = "203.0.113.5", side: Side = Side.WORK) -> Actor:
    """Somebody who gave their password."""
    opened = database.write(sessions.open_session, recognising.nobody(address), user_id, side=side)
    return opened.actor


def now(actor: Actor) -> Actor | None:
    """The same sign-in as it is now."""
    return database.read(recognising.actor_again, actor)


def sent_code(phone: str = PHONE) -> str:
    """The last code that was sent to a phone."""
    waiting = database.read(outbox.waiting, opening.CONSOLE)
    return next(m.parameters[0] for m in waiting if m.phone == phone and m.template.startswith("code."))


def told(phone: str = PHONE) -> list[tuple[str, list[str]]]:
    """What else was said to a phone."""
    waiting = database.read(outbox.waiting, opening.CONSOLE)
    return [
        (message.template.value, message.parameters)
        for message in waiting
        if message.phone == phone and not message.template.startswith("code.")
    ]


def sent_count() -> int:
    """How many messages somebody is going to get."""
    with Session(database.engine()) as session:
        return len(session.exec(select(OutboxMessage).where(col(OutboxMessage.due_at).is_not(None))).all())


def later(**much: float) -> None:
    """As if so much time had passed for every budget."""
    with Session(database.engine()) as session, session.begin():
        for budget in session.exec(select(Budget)):
            budget.until -= timedelta(**much)


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


@pytest.fixture
def lin(jn1: int) -> int:
    """A reporting doctor with the account `lin`."""
    return database.write(
        opening.open_account,
        opening.CONSOLE,
        "lin",
        "林望舒",
        "correct horse",
        Role.REPORTER,
        institution_id=jn1,
    )


@pytest.fixture(scope="module")
def behind_proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An installation behind one proxy: a request's address is what X-Forwarded-For says."""
    made = Site(tmp_path_factory.mktemp("proxied"))
    with inside(made.data):
        made.open_up()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIP_TRUSTED_PROXIES", "1")
        made.start()
    yield made
    made.stop()


@pytest.fixture
def from_address(behind_proxy: Site) -> Iterator[Callable[[str], httpx.Client]]:
    """`from_address("203.0.113.7")`: a fresh browser there."""
    opened: list[httpx.Client] = []

    def make(address: str, agent: str = "Mozilla/5.0 (Windows NT 10.0) Chrome/130.0") -> httpx.Client:
        headers = {"Origin": behind_proxy.url, "X-Forwarded-For": address, "User-Agent": agent}
        opened.append(httpx.Client(base_url=behind_proxy.url, headers=headers, timeout=30))
        return opened[-1]

    yield make
    for client in opened:
        client.close()
