"""Script in every text that comes from outside: shown as the text it is, in a real browser, on every page.

To add a page: a line in PAGES (its address, whose it is). To add a field: fill it from PAYLOADS in `site`.
"""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, TimeoutError, expect
from sqlmodel import Session, select

from mip_app.accounts import importing, lists, recognising
from mip_app.accounts.models import Alliance, Department, Institution, Membership, Role, RoleSet, User
from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core import database
from mip_app.sign_in import qr
from mip_app.sign_in.models import OfficialAccount, QrSignIn
from tests.e2e.conftest import Person
from tests.images import Made, study
from tests.site import PASSWORD, Site, inside

# None over the 64 characters of a DICOM text, none with the backslash that parts its values.
PAYLOADS = (
    "<script>window.pwned=1</script>",
    "<script src=//evil.example/x.js></script>",
    "<img src=x onerror=window.pwned=1>",
    "<img src=x onerror='window.pwned=1'//",
    '"><img src=x onerror=window.pwned=1>',
    "'><svg/onload=window.pwned=1>",
    "<svg><script>window.pwned=1</script></svg>",
    "<svg><animate onbegin=window.pwned=1 attributeName=x dur=1s>",
    "<iframe srcdoc='<script>parent.pwned=1</script>'>",
    "<iframe src=javascript:parent.pwned=1>",
    "<a href=javascript:window.pwned=1>x</a>",
    "javascript:window.pwned=1",
    "data:text/html,<script>parent.pwned=1</script>",
    "</title><script>window.pwned=1</script>",
    "</textarea><script>window.pwned=1</script>",
    "</style><script>window.pwned=1</script>",
    "--><script>window.pwned=1</script><!--",
    "<details open ontoggle=window.pwned=1>",
    "<input autofocus onfocus=window.pwned=1>",
    "<video><source onerror=window.pwned=1></video>",
    "<body onload=window.pwned=1>",
    "<object data=javascript:window.pwned=1>",
    "<math><mtext><img src=x onerror=window.pwned=1></math>",
    "<meta http-equiv=refresh content='0;javascript:window.pwned=1'>",
    "<base href=//evil.example/>",
    "<form action=//evil.example><button autofocus>x",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<style>*{display:none}</style>",
    "';window.pwned=1;//",
    '";window.pwned=1;//',
    "${window.pwned=1}",
    "{{constructor.constructor('window.pwned=1')()}}",
    "`+(window.pwned=1)+`",
    "<%= window.pwned=1 %>",
    "&lt;script&gt;window.pwned=1&lt;/script&gt;",
    "<scr<script>ipt>window.pwned=1</script>",
    "<IMG SRC=x OnErRoR=window.pwned=1>",
    "<img/src/onerror=window.pwned=1>",
    "<x onclick=window.pwned=1 style=position:fixed;inset:0>",
    "<noscript><p title='</noscript><img src=x onerror=window.pwned=1>'>",
    "#set_page(width: 1pt) *x* _y_ @z",
    '[#read("/etc/passwd")]',
)
OF_NAMES = [payload for payload in PAYLOADS if "=" not in payload]
OF_TEXTS = [payload for payload in PAYLOADS if len(payload) <= 64]
STUDIES = len(OF_TEXTS) // 4 + 1


def pick(number: int, of: list[str] = OF_TEXTS) -> str:
    return of[number % len(of)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An installation in which every text that others write is an attempt."""
    made = Site(tmp_path_factory.mktemp("script"))
    with inside(made.data):
        made.open_up()
        _people_and_places(made)
    for number in range(STUDIES):
        texts = [pick(number * 4 + place) for place in range(4)]
        made.store([Made(each) for each in study(
            pick(number, OF_NAMES), texts[0], slices=1, StudyDescription=texts[1], SeriesDescription=texts[2],
            InstitutionName=texts[3], ProtocolName=texts[3], StationName="<b>x</b>", AccessionNumber="<b>1</b>",
            StudyID="'\"><b>", ReferringPhysicianName=pick(number + 1, OF_NAMES), BodyPartExamined="<B>CHEST</B>",
            Manufacturer=texts[0], ManufacturerModelName=texts[1], InstitutionalDepartmentName=texts[2],
        )])  # fmt: skip
    with inside(made.data):
        _log_and_list(made)
    made.start()
    yield made
    made.stop()


def _people_and_places(site: Site) -> None:
    newcomer = site.newcomer("许言", JN1=[Role.REPORTER])
    site.keys["newcomer"] = newcomer
    with Session(database.engine()) as session, session.begin():
        for number, alliance in enumerate(session.exec(select(Alliance)).all()):
            alliance.name, alliance.name_en = pick(number + 2), pick(number + 7)
        for number, place in enumerate(session.exec(select(Institution)).all()):
            here = place.id or 0
            place.name, place.name_en, place.address = pick(number), pick(number + 5), pick(number + 9)
            place.phone, place.level = pick(number + 11), pick(number + 12)
            session.add(Department(institution_id=here, name=pick(number + 3)))
            session.add(
                RoleSet(institution_id=here, code="own-x", name=pick(number + 15), permissions=["study.read"])
            )
            session.add(OfficialAccount(institution_id=here, name=pick(number + 17), app_id="wx" + "0" * 16))
        departments = {one.institution_id: one.id for one in session.exec(select(Department)).all()}
        for number, user in enumerate(session.exec(select(User)).all()):
            user.name, user.title, user.first_login = (
                pick(number),
                pick(number + 10),
                user.account == newcomer,
            )
        for row in session.exec(select(Membership)).all():
            if row.institution_id:
                row.roles, row.department_id = [*row.roles, "own-x"], departments[row.institution_id]


def _log_and_list(site: Site) -> None:
    """What the log tells, a list to look through, a device that asks to be let in."""
    lines = ["账号,姓名,职称,科室,角色,手机"]
    for number, payload in enumerate(PAYLOADS):
        cells = (f"list{number}" if number % 2 else payload, payload, payload, payload, payload, payload)
        lines.append(",".join('"' + cell.replace('"', '""') + '"' for cell in cells))
    site.keys["draft"] = database.write(
        importing.keep, site.person("guanli"), lists.read("\n".join(lines).encode())
    )
    issued = database.write(qr.issue, recognising.nobody("127.0.0.1"), PAYLOADS[0], "")
    site.keys["qr"] = issued.code
    guanli = site.person("guanli")
    with Session(database.engine()) as session, session.begin():
        for row in session.exec(select(QrSignIn)).all():
            row.expires_at += timedelta(hours=2)
        for number, payload in enumerate(OF_TEXTS):
            told = replace(guanli, name=payload, address=payload[:45])
            subject = ("study:", "user:", "")[number % 3] + payload
            audit.record(
                session, told, Act.REPORT_RETURNED, subject, why=payload, version=payload, images=payload
            )


PAGES = {
    "list": ("/studies", "linwangshu"),
    "list, searched": ("/studies?q={payload}&view={payload}&modality={payload}", "linwangshu"),
    "viewer": ("/viewer/{uid}", "linwangshu"),
    "report": ("/reports/{uid}", "linwangshu"),
    "administration": ("/admin", "guanli"),
    "administration of the alliance": ("/admin", "lianmeng"),
    "alliances": ("/admin/alliances", "yunying"),
    "institutions": ("/admin/institutions", "lianmeng"),
    "own institution": ("/admin/institution?official={payload}", "guanli"),
    "departments": ("/admin/departments", "guanli"),
    "doctors": ("/admin/doctors", "guanli"),
    "roles": ("/admin/roles", "guanli"),
    "a list to take over": ("/admin/doctors/import/{draft}", "guanli"),
    "a list that is none": ("/admin/doctors/import/{payload}", "guanli"),
    "log": ("/admin/audit", "guanli"),
    "log of the platform": ("/admin/audit", "yunying"),
    "own account": ("/account", "linwangshu"),
    "first sign-in": ("/welcome?next={payload}", "newcomer"),
    "approving": ("/approve?code={qr}", "linwangshu"),
    "approving nothing": ("/approve?code={payload}", "linwangshu"),
    "forgotten password": ("/forgot?account={payload}&next={payload}", ""),
    "binding": ("/bind?error={payload}&next={payload}&kind={payload}", "linwangshu"),
    "not allowed": ("/forbidden?next={payload}", "linwangshu"),
    "a study that is none": ("/viewer/{payload}", "linwangshu"),
    "a page that is none": ("/{payload}", "linwangshu"),
    "sign-in": ("/login?error={payload}&minutes={payload}&next={payload}&ended={payload}", ""),
    "sign-in, from outside": ("/login?bind={payload}&kind={payload}&way={payload}&side={payload}", ""),
}
# What is clicked to see more of the same.
OPENS = {
    "alliances": "[data-place] button",
    "institutions": "[data-place] button",
    "departments": "[data-act=rename]",
    "doctors": "[data-act=edit], #doctor-cards button",
}
SHOWS = {"list", "departments", "doctors", "roles", "a list to take over", "log", "institutions", "alliances"}


def enters(site: Site, person: Person, address: str, account: str) -> None:
    person.context.set_extra_http_headers({"User-Agent": f"Mozilla/5.0 {PAYLOADS[0]} Chrome/120"})
    answer = person.context.request.post(
        f"{site.url}/auth/login",
        form={
            "account": site.keys.get(account, account),
            "password": PASSWORD,
            "side": "admin" if address.startswith("/admin") else "work",
        },
        headers={"Origin": site.url},
        max_redirects=0,
    )
    assert answer.status == 303 and "error" not in answer.headers["location"]


def watched(person) -> Page:
    """Its dialogs and refused scripts are defects; what the browser says of a 404 is not."""
    person.forgiven = ("404", "400")
    person.page.on(
        "dialog", lambda dialog: (person.complaints.append(f"dialog {dialog.message}"), dialog.dismiss())
    )
    person.page.on(
        "request",
        lambda request: "evil.example" in request.url.split("?")[0] and person.complaints.append(request.url),
    )
    return person.page


def settled(page: Page) -> None:
    """Everything is there; a page that goes on asking is looked at as it is."""
    with contextlib.suppress(TimeoutError):
        page.wait_for_load_state("networkidle", timeout=8000)


def one_of(texts: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, texts)))


def uids(site: Site) -> list[str]:
    from mip_app.studies.models import Study

    with inside(site.data), Session(database.engine()) as session:
        return list(
            session.connection().execute(Study.__table__.select()).scalars(Study.__table__.c.study_uid)
        )


# Where the phone has other pieces than the PC, not only another arrangement of them.
OTHERWISE_ON_PHONES = ("list", "viewer", "report", "doctors", "roles", "log", "sign-in")


@pytest.mark.browser
@pytest.mark.parametrize(
    ("where", "viewport"),
    [(where, "desktop") for where in PAGES]
    + [(where, "phone") for where in PAGES if where.startswith(OTHERWISE_ON_PHONES)],
)
def test_what_others_write_is_text_on_every_page(someone, site: Site, where: str, viewport: str) -> None:
    address, account = PAGES[where]
    person = someone(account or "hewei", viewport)
    page = watched(person)
    if account:
        enters(site, person, address, account)
    # A few of each kind: every payload stands in some field of the list.
    uids_ = uids(site)[:3] if "{uid}" in address else [""]
    attempts = PAYLOADS[::9] if "{payload}" in address else [""]
    for uid in uids_:
        for payload in attempts:
            page.goto(site.url + address.format(uid=uid, payload=quote(payload, safe=""), **site.keys))
            settled(page)
            if where in OPENS:
                page.locator(OPENS[where]).locator("visible=true").first.click()
                settled(page)
            assert page.evaluate("window.pwned") is None
            assert "evil.example" not in page.evaluate("document.baseURI")
            assert page.locator("script[src*=evil], base, [onerror], [onload], [ontoggle]").count() == 0
    if where in SHOWS:
        expect(page.locator("body")).to_contain_text(one_of(OF_TEXTS))
    if where == "list":
        expect(page.locator("body")).to_contain_text(one_of(OF_NAMES))
    assert page.evaluate("window.pwned") is None
    assert ("/forbidden" in page.url) == (where == "not allowed")


@pytest.mark.browser
def test_what_a_doctor_types_is_text_to_every_other_and_on_paper(someone, site: Site) -> None:
    uid = uids(site)[0]
    writer, reader = someone("linwangshu"), someone("hewei")
    text = "\n".join(PAYLOADS)
    page = watched(writer)
    writer.signs_in(f"/reports/{uid}")
    page.locator("#findings").click()
    page.keyboard.insert_text(text)
    page.locator("#saved").get_by_text("已自动保存").wait_for()
    other = watched(reader)
    reader.signs_in(f"/reports/{uid}")
    settled(other)
    assert other.locator("#findings").input_value() == text
    for each in (page, other):
        assert each.evaluate("window.pwned") is None


def test_the_printed_sheet_carries_the_text_and_runs_nothing_of_it(site: Site) -> None:
    answer = site.sign_in("linwangshu").get(f"/print/{uids(site)[0]}.pdf")
    assert answer.status_code in (200, 404, 409)
    assert b"/JavaScript" not in answer.content and b"/Launch" not in answer.content
    assert b"root:" not in answer.content
