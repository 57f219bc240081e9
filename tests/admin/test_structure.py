"""The pages of operators, alliance and institution administrators, asked by requests and sockets of no browser."""

from io import BytesIO

import httpx
import pytest
from PIL import Image
from sqlmodel import Session, select

import mip_app.mip_app  # noqa: F401  registers every state
from mip_app.accounts import opening, pictures
from mip_app.accounts.models import Alliance, Institution, Membership, Role, User
from mip_app.core import database
from tests.site import PASSWORD, Site, inside
from tests.socket import STATE, RawSocket

INSTITUTIONS = f"{STATE}.mip_app___admin___institutions___state____institutions"
ALLIANCES = f"{STATE}.mip_app___admin___alliances___state____alliances"
ROLES = f"{STATE}.mip_app___admin___roles___state____roles"
OWN = f"{STATE}.mip_app___admin___institution___state____own_institution"


def administering(site: Site, account: str) -> httpx.Client:
    client = httpx.Client(base_url=site.url, headers={"Origin": site.url}, timeout=20)
    sent = {"account": account, "password": PASSWORD, "side": "admin"}
    answer = client.post("/auth/login", data=sent)
    assert answer.headers["location"] == "/admin", answer.headers
    return client


def cookie(client: httpx.Client) -> str:
    return "; ".join(f"{name}={value}" for name, value in client.cookies.items())


def png(size: tuple[int, int] = (300, 100)) -> bytes:
    made = BytesIO()
    Image.new("RGB", size, "teal").save(made, "PNG")
    return made.getvalue()


@pytest.fixture(scope="module")
def far(site: Site) -> tuple[int, int]:
    """An institution of another alliance, and the membership of its administrator."""
    with inside(site.data):
        alliance = database.write(opening.open_alliance, opening.CONSOLE, "海西医联体")
        key = database.write(opening.open_institution, opening.CONSOLE, alliance, "HX1", "海西秘密医院")
        database.write(
            opening.open_account,
            opening.CONSOLE,
            "haixi",
            "海西管理",
            PASSWORD,
            Role.INSTITUTION_ADMIN,
            institution_id=key,
        )
        with Session(database.engine()) as session:
            (membership,) = session.exec(select(Membership.id).where(Membership.institution_id == key))
    return key, membership or 0


def test_another_alliances_institution_is_neither_shown_nor_changed(site: Site, far: tuple[int, int]) -> None:
    key, membership = far
    with RawSocket(site.url, cookie=cookie(administering(site, "lianmeng"))) as tab:
        tab.hydrate("/admin/institutions")
        tab.send(f"{INSTITUTIONS}.load", "/admin/institutions")
        assert "江南市第一人民医院" in tab.answers()
        for handler, payload in (
            ("show", {"institution_id": key}),
            ("change", {"form": {"id": key, "name": "改名"}}),
            ("ask_reset", {"membership_id": membership}),
            ("reset_person", {}),
            ("close_person", {"membership_id": membership, "disabled": True}),
            ("disable", {}),
            ("show", {"institution_id": {"odd": [1]}}),
        ):
            tab.send(f"{INSTITUTIONS}.{handler}", "/admin/institutions", **payload)
        said = tab.answers()
    assert "海西" not in said
    with inside(site.data), Session(database.engine()) as session:
        row = session.get_one(Institution, key)
        assert (row.name, row.disabled) == ("海西秘密医院", False)
        assert session.get_one(Membership, membership).disabled is False


@pytest.mark.parametrize(
    ("account", "handler", "payload"),
    [
        ("guanli", f"{INSTITUTIONS}.load", {}),
        ("guanli", f"{ALLIANCES}.load", {}),
        ("lianmeng", f"{ALLIANCES}.load", {}),
        ("lianmeng", f"{ROLES}.load", {}),
        ("lianmeng", f"{OWN}.load", {}),
        ("yunying", f"{INSTITUTIONS}.load", {}),
        ("yunying", f"{OWN}.count", {}),
        ("shenji", f"{ROLES}.give", {"code": "auditor", "permission": "admin.roles", "given": True}),
    ],
)
def test_each_level_is_refused_what_is_anothers(
    site: Site, account: str, handler: str, payload: dict
) -> None:
    with RawSocket(site.url, cookie=cookie(administering(site, account))) as tab:
        tab.hydrate("/admin")
        tab.answers(1.0)
        tab.send(handler, "/admin", **payload)
        said = tab.answers()
    assert "refused" in said
    assert "江南" not in said


def test_forged_forms_make_nothing_and_break_nothing(site: Site) -> None:
    with RawSocket(site.url, cookie=cookie(administering(site, "yunying"))) as tab:
        tab.hydrate("/admin/alliances")
        tab.send(f"{ALLIANCES}.load", "/admin/alliances")
        tab.send(f"{ALLIANCES}.start_opening", "/admin/alliances")
        for form in ([], "x", {"name": {"a": 1}}, {"name": "假", "account": ["a"]}, {"name": "\0" * 9}):
            tab.send(f"{ALLIANCES}.open_one", "/admin/alliances", form=form)
        tab.send(f"{ALLIANCES}.setvar", "/admin/alliances", var_name="secret", value="forged")
        tab.send(f"{ALLIANCES}.load", "/admin/alliances")
        said = tab.answers()
    assert "forged" not in said
    assert "江南医联体" in said
    with inside(site.data), Session(database.engine()) as session:
        assert not session.exec(select(Alliance).where(Alliance.name == "假")).all()
        assert not session.exec(select(User).where(User.account == "a")).all()


def test_a_logo_is_taken_in_by_the_administrator_and_shown_to_the_own_people_alone(site: Site) -> None:
    admin = administering(site, "guanli")
    assert admin.post("/institution/logo", content=png()).status_code == 204
    own = site.sign_in("chensu").get("/institution/logo")
    assert own.headers["content-type"] == "image/png"
    assert Image.open(BytesIO(own.content)).size == (300, 100)
    assert site.sign_in("qinghe").get("/institution/logo").status_code == 404
    assert httpx.get(f"{site.url}/institution/logo").status_code == 401
    for account in ("chensu", "yunying", "lianmeng"):
        assert site.sign_in(account).post("/institution/logo", content=png()).status_code == 403


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"<svg onload='alert(1)'/>", 400, "picture.unreadable"),
        (b"", 400, "picture.unreadable"),
        (b"x" * (pictures.BYTES + 1), 413, "picture.too_large"),
        ([b"x" * 500_000] * 6, 413, "picture.too_large"),  # without saying how long it is
    ],
)
def test_what_is_no_logo_is_refused_in_words(site: Site, sent, status: int, code: str) -> None:
    content = iter(sent) if isinstance(sent, list) else sent
    answer = administering(site, "guanli").post("/institution/logo", content=content)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
