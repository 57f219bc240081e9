"""What people do at every door: type a code that came by phone, choose a password."""

import uuid

from playwright.sync_api import Page, expect

from mip_app.accounts import opening
from mip_app.core import database
from mip_app.messages import outbox
from tests.e2e.conftest import Person
from tests.site import PASSWORD, Site, inside

NEW = "seven lanterns over water"


def new_phone() -> str:
    return f"138{uuid.uuid4().int % 10**8:08}"


def code_for(site: Site, phone: str) -> str:
    """The last code that was sent to a phone."""
    with inside(site.data):
        waiting = database.read(outbox.waiting, opening.CONSOLE)
    return next(m.parameters[0] for m in waiting if m.phone == phone and m.template.startswith("code."))


def gives_password(person: Person, password: str = PASSWORD, at: str = "/login") -> Page:
    page = person.goes_to(at)
    page.fill("#account", person.account)
    page.fill("#password", password)
    page.click("#sign-in")
    return page


def types_code(page: Page, code: str) -> None:
    page.locator("[data-code-input] input").first.click()
    page.keyboard.type(code)


def chooses(page: Page, password: str, again: str = "") -> None:
    page.fill("#new-password", password)
    page.fill("#new-password-again", again or password)


def first_sign_in(person: Person, initial: str, phone: str, at: str = "/login") -> Page:
    """With the initial password, the code sent to `phone` and a password of one's own, NEW."""
    page = gives_password(person, initial, at)
    page.wait_for_url("**/welcome**")
    page.click("#send-code")
    expect(page.locator("[data-code-input]")).to_be_visible()
    types_code(page, code_for(person.site, phone))
    expect(page.get_by_role("heading", name="设置登录密码")).to_be_visible()
    chooses(page, NEW)
    page.click("#save-password")
    return page
