"""People in front of real browsers."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.site import PASSWORD, Site

VIEWPORTS = {"desktop": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
# The machine may be busy with the other half of the tests; a person would wait as long.
expect.set_options(timeout=20_000)


@dataclass
class Person:
    """Somebody with a browser of their own; `complaints` is what its console said."""

    account: str
    context: BrowserContext
    page: Page
    site: Site
    complaints: list[str] = field(default_factory=list)
    forgiven: tuple[str, ...] = ()  # what the browser itself says of a fault that the test makes

    def goes_to(self, path: str) -> Page:
        self.page.goto(self.site.url + path)
        return self.page

    def signs_in(self, then: str = "/studies") -> Page:
        self.goes_to("/login")
        self.page.fill("#account", self.account)
        self.page.fill("#password", PASSWORD)
        self.page.click("#sign-in")
        self.page.wait_for_url(re.compile("/(studies|admin)"))
        return self.page if then == "/studies" else self.goes_to(then)


def _listen(person: Person) -> None:
    def heard(message) -> None:
        if message.type == "error" and not any(word in message.text for word in person.forgiven):
            person.complaints.append(f"{message.text} ({message.location.get('url', '')})")

    person.page.on("console", heard)
    person.page.on("pageerror", lambda error: person.complaints.append(str(error)))


@pytest.fixture
def someone(browser: Browser, site: Site) -> Iterator[Callable[..., Person]]:
    """`someone("linwangshu", "phone")`: a person with a fresh browser; at the end no console may have complained."""
    people: list[Person] = []

    def make(account: str, viewport: str = "desktop", language: str = "zh-CN") -> Person:
        phone = viewport == "phone"
        context = browser.new_context(
            viewport=VIEWPORTS[viewport],
            has_touch=phone,
            is_mobile=phone,
            locale=language,
            accept_downloads=True,
        )
        person = Person(account, context, context.new_page(), site)
        _listen(person)
        people.append(person)
        return person

    yield make
    complaints = {person.account: person.complaints for person in people if person.complaints}
    for person in people:
        person.context.close()
    assert complaints == {}
