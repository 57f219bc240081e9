"""What people of elsewhere, and people without patient data, see of a study whose UID they know."""

import pytest
from playwright.sync_api import expect

from tests.images import Made, study
from tests.site import Site

NAME = "欧阳文澜"


@pytest.fixture(scope="module")
def uid(site: Site) -> str:
    slices = study("OUYANG^WenLan=欧阳^文澜", slices=2)
    site.store([Made(data) for data in slices])
    return str(slices[0].StudyInstanceUID)


@pytest.mark.parametrize("viewport", ["desktop", "phone"])
@pytest.mark.parametrize("page_of", ["viewer", "reports"])
def test_another_hospitals_doctor_is_told_what_one_is_told_of_nothing(
    someone, uid, viewport, page_of
) -> None:
    person = someone("qinghe", viewport)
    person.forgiven = ("404",)
    frames: list[str] = []
    person.page.on("websocket", lambda ws: ws.on("framereceived", lambda frame: frames.append(str(frame))))
    person.page.on("response", lambda answer: frames.append(answer.url))
    person.signs_in()
    told = []
    for study_uid in (uid, "1.2.3.4.5"):
        person.goes_to(f"/{page_of}/{study_uid}")
        message = person.page.get_by_text("没有找到这项检查，或您没有查看权限。").first
        expect(message).to_be_visible()
        told.append(person.page.locator("body").inner_text().replace(study_uid, ""))
    assert told[0] == told[1]
    assert not any(NAME in frame for frame in frames)


@pytest.mark.parametrize("account", ["yunying", "lianmeng", "shenji"])
@pytest.mark.parametrize("path", ["/studies", "/viewer/{uid}", "/reports/{uid}"])
def test_who_sees_no_patient_data_gets_words_and_no_data(someone, uid, account, path) -> None:
    person = someone(account)
    person.forgiven = ("403",)
    frames: list[str] = []
    person.page.on("websocket", lambda ws: ws.on("framereceived", lambda frame: frames.append(str(frame))))
    person.signs_in()
    person.goes_to(path.format(uid=uid))
    expect(person.page.get_by_text("没有").first).to_be_visible()
    assert not any(NAME in frame for frame in frames)


def test_without_signing_in_there_is_never_a_flash_of_data(someone, uid) -> None:
    person = someone("nobody")
    seen: list[str] = []
    person.page.on("websocket", lambda ws: seen.append(ws.url))
    for path in (f"/viewer/{uid}", f"/reports/{uid}", "/studies"):
        person.goes_to(path)
        expect(person.page.locator("#sign-in")).to_be_visible()
        assert NAME not in person.page.content()


def test_signing_out_in_one_tab_blanks_the_other(someone, uid) -> None:
    person = someone("linwangshu")
    page = person.signs_in("/studies?days=all")
    expect(page.get_by_text(NAME).first).to_be_visible()
    other = person.context.new_page()
    other.goto(f"{person.site.url}/studies")
    other.locator("#account-menu:visible").click()
    other.locator("#sign-out:visible").click()
    expect(other.locator("#sign-in")).to_be_visible()
    expect(page.locator("#sign-in")).to_be_visible()
    assert NAME not in page.content()
