"""What a page says when something on it is not, or no longer, allowed."""

import pytest
from playwright.sync_api import expect
from sqlmodel import Session, select

from mip_app.accounts.models import Membership, Role
from mip_app.core import database
from tests.site import Site, inside


def now_is(site: Site, account: str, role: Role) -> None:
    with inside(site.data), Session(database.engine()) as session:
        user = site.person(account).user_id
        row = session.exec(select(Membership).where(Membership.user_id == user)).one()
        row.roles = [role]
        session.commit()


@pytest.mark.parametrize("viewport", ["desktop", "phone"])
def test_a_right_that_was_taken_away_meanwhile_is_said_in_words(someone, site: Site, viewport: str) -> None:
    person = someone("hewei", viewport)
    page = person.signs_in()
    search = page.locator("input[type=search]:visible").first
    expect(search).to_be_visible()
    page.wait_for_load_state("networkidle")
    now_is(site, "hewei", Role.AUDITOR)
    try:
        search.fill("OUYANG")
        refused = page.get_by_role("alert").filter(has_text="您没有这项操作的权限。请联系机构管理员。")
        expect(refused).to_be_visible()
        refused.get_by_role("button").click()
        expect(refused).to_be_hidden()
    finally:
        now_is(site, "hewei", Role.REVIEWER)


@pytest.mark.parametrize("viewport", ["desktop", "phone"])
def test_a_page_that_is_not_allowed_leads_to_words(someone, viewport: str) -> None:
    person = someone("shenji", viewport)
    person.forgiven = ("404",)  # where the administration has no area for them yet
    page = person.signs_in("/viewer/1.2.3")
    expect(page.get_by_text("您没有权限打开这个页面")).to_be_visible()
