"""Two hospitals of one alliance, a third of another, and whoever administers them."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from mip_app.accounts import opening, recognising, sessions, staffing
from mip_app.accounts.models import Role
from mip_app.accounts.particulars import Particulars
from mip_app.core import database
from mip_app.core.actor import Actor, Permission


@pytest.fixture
def far(db: str) -> int:
    """A hospital of another alliance."""
    alliance = database.write(opening.open_alliance, opening.CONSOLE, "北方医联体")
    return database.write(opening.open_institution, opening.CONSOLE, alliance, "BF9", "北方医院")


@pytest.fixture
def admin(actor: Callable[..., Actor]) -> Actor:
    """An administrator of JN1."""
    return actor(Role.INSTITUTION_ADMIN, "管理")


@pytest.fixture
def other_admin(actor: Callable[..., Actor], qh2: int) -> Actor:
    return actor(Role.INSTITUTION_ADMIN, "清河管理", institution=qh2)


def said(name: str = "林望舒", *roles: str, **more: str) -> Particulars:
    """What the form says of a doctor."""
    return replace(Particulars(name, roles=roles or ("reporter",)), **more)


def added(admin: Actor, account: str = "lin", given: Particulars | None = None) -> int:
    return database.write(staffing.add, admin, account, given or said(), "not a hash")


def signed_in(user_id: int, **more: object) -> Callable[[], frozenset[Permission] | None]:
    """Signs somebody in; asked later, what that sign-in may then, or None when it is over."""
    there = database.write(sessions.open_session, recognising.nobody(), user_id, **more)

    def may() -> frozenset[Permission] | None:
        now = database.read(recognising.actor_of_token, recognising.nobody(), there.token)
        return now.permissions if now else None

    return may
