"""Somebody is disabled, or may less: their open sockets and pages lose access within two seconds."""

from collections.abc import Callable

import httpx
import pytest
from sqlmodel import Session, select

from mip_app.accounts import recognising, sessions
from mip_app.accounts.models import Membership, Role, User
from mip_app.core import database
from mip_app.core.actor import Actor
from tests.images import Made, study
from tests.site import Site, inside
from tests.socket import STATE, RawSocket

LIST = f"{STATE}.mip_app___studies___state____studies"
SHELL = f"{STATE}.mip_app___ui___state____shell"
WITHIN = 2.0  # seconds


def disable(session: Session, actor: Actor, account: str) -> None:
    user = session.exec(select(User).where(User.account == account)).one()
    user.disabled = True
    sessions.end_sessions(session, [user.id or 0])


def give(session: Session, actor: Actor, account: str, roles: list[Role]) -> None:
    user = session.exec(select(User).where(User.account == account)).one()
    membership = session.exec(select(Membership).where(Membership.user_id == user.id)).one()
    membership.roles = list(roles)
    sessions.tell_sessions(session, [membership.id or 0])


@pytest.fixture
def elsewhere(site: Site) -> Callable[..., None]:
    """Run a service in another process than the server's."""

    def run(service: Callable[..., None], *args: object) -> None:
        with inside(site.data):
            database.write(service, recognising.nobody(), *args)

    return run


def open_tab(site: Site, account: str) -> RawSocket:
    tab = RawSocket(site.url, cookie=site.cookie(account))
    tab.hydrate()
    tab.send(f"{SHELL}.load")
    tab.send(f"{SHELL}.watch")
    tab.answers()
    return tab


def test_a_disabled_persons_socket_is_told_and_gets_nothing_more(site: Site, elsewhere) -> None:
    account = site.newcomer("许言", JN1=[Role.REVIEWER])
    with open_tab(site, account) as tab:
        elsewhere(disable, account)
        assert tab.hears("signed_out", WITHIN)
        tab.send(f"{SHELL}.load")
        tab.send(f"{LIST}.load")
        assert "许言" not in tab.answers()


def test_a_socket_that_listens_to_the_list_alone_hears_of_no_patient_any_more(site: Site, elsewhere) -> None:
    account = site.newcomer("许言", JN1=[Role.REVIEWER])
    with RawSocket(site.url, cookie=site.cookie(account)) as tab, open_tab(site, "hewei") as witness:
        for each in (tab, witness):
            each.hydrate()
            each.send(f"{LIST}.load")
            each.answers()
        elsewhere(disable, account)
        site.store([Made(data) for data in study("OUYANG^WenLan=欧阳^文澜", slices=1)])
        assert witness.hears("arrived", 10)  # who still may is told of it
        said = tab.answers()
        assert "arrived" not in said and "文澜" not in said


def test_an_open_page_follows_what_its_reader_may(site: Site, elsewhere) -> None:
    account = site.newcomer("许言", JN1=[Role.CLINICIAN])
    with open_tab(site, account) as tab:
        elsewhere(give, account, [Role.REVIEWER])
        assert tab.hears("report.review", WITHIN)
        elsewhere(give, account, [Role.AUDITOR])  # no patients any more: the page starts anew
        assert tab.hears("'other'", WITHIN)
        tab.send(f"{LIST}.load")
        assert "'rows" not in tab.answers()


def test_after_a_switch_the_former_places_tabs_act_for_nobody(site: Site) -> None:
    account = site.newcomer("许言", JN1=[Role.REVIEWER], QH2=[Role.REVIEWER])
    client = site.sign_in(account)
    former = f"mip_session={client.cookies['mip_session']}"
    with inside(site.data), Session(database.engine()) as session:
        user = session.exec(select(User.id).where(User.account == account)).one()
        there = session.exec(
            select(Membership.id).where(
                Membership.user_id == user, Membership.institution_id == site.institutions["QH2"]
            )
        ).one()
    with RawSocket(site.url, cookie=former) as tab:
        for handler in ("load", "watch"):
            tab.send(f"{SHELL}.{handler}")
        assert "江南市第一人民医院" in tab.answers()
        assert client.post("/auth/switch", data={"membership": there}).headers["location"] == "/studies"
        assert tab.hears("signed_out", WITHIN)
        tab.send(f"{SHELL}.load")
        tab.send(f"{LIST}.load")
        assert "许言" not in tab.answers()
        # The same tab over a new socket, with the cookie that the switch has set: it has to start anew.
        fresh = f"mip_session={client.cookies['mip_session']}"
        with RawSocket(site.url, token=tab.token, cookie=fresh) as again:
            again.hydrate()
            said = again.answers()
            assert "江南市第一人民医院" not in said
    assert former != fresh


@pytest.mark.parametrize("membership", ["999999", "0", "-1", "x", "", "9" * 28])
def test_a_switch_to_nowhere_leads_nowhere(site: Site, membership: str) -> None:
    client = site.sign_in("linwangshu")
    answer = client.post("/auth/switch", data={"membership": membership})
    assert answer.status_code in (404, 422)
    assert client.get("/dicom-web/studies").status_code == 200


def test_an_api_client_switches_nothing(site: Site) -> None:
    answer = httpx.post(
        f"{site.url}/auth/switch",
        data={"membership": 1},
        headers={"Authorization": f"Bearer {site.keys['JN1']}"},
    )
    assert answer.status_code == 403
