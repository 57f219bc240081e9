"""An open list, and its reader loses the right to see it."""

import pytest
from playwright.sync_api import expect

from mip_app.accounts import recognising
from mip_app.accounts.models import Role
from mip_app.core import database
from tests.images import Made, study
from tests.sign_in.test_access_ends import disable, give
from tests.site import Site, inside

NAME = "欧阳文澜"
WITHIN = 2_000  # ms


@pytest.fixture
def reader(someone, site: Site, request):
    site.store([Made(data) for data in study("OUYANG^WenLan=欧阳^文澜", slices=1)])
    person = someone(site.newcomer("许言", JN1=[Role.REVIEWER]), request.param)
    person.forgiven = ("401",)  # a picture that was on its way when the right ended
    page = person.signs_in("/studies?days=all")
    expect(page.get_by_text(NAME).filter(visible=True).first).to_be_visible()
    page.wait_for_load_state("networkidle")
    return person


@pytest.mark.parametrize("reader", ["desktop", "phone"], indirect=True)
def test_a_disabled_persons_page_is_blank_within_two_seconds(reader, site) -> None:
    with inside(site.data):
        database.write(disable, recognising.nobody(), reader.account)
    expect(reader.page.get_by_text(NAME).filter(visible=True)).to_have_count(0, timeout=WITHIN)
    expect(reader.page.locator("#sign-in")).to_be_visible()
    assert NAME not in reader.page.content()


@pytest.mark.parametrize("reader", ["desktop"], indirect=True)
def test_who_may_no_longer_see_patients_is_led_away_within_two_seconds(reader, site) -> None:
    with inside(site.data):
        database.write(give, recognising.nobody(), reader.account, [Role.AUDITOR])
    expect(reader.page.get_by_text(NAME).filter(visible=True)).to_have_count(0, timeout=WITHIN)
    reader.page.wait_for_url("**/forbidden**")
