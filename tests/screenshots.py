"""`make screenshots`: the pictures of the README, from a demo of its own, seeded in `.build/screenshots`."""

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from mip_app.demo import catalogue, phantom
from tests import browser as chromium
from tests.e2e.conftest import VIEWPORTS
from tests.site import REPOSITORY, Site

PICTURES = REPOSITORY / "docs" / "pictures"
DATA = REPOSITORY / ".build" / "screenshots"
CHEST = str(phantom.study_uid(next(s for s in catalogue.STUDIES if s.key == "JN1-001")))
PRINTED = str(phantom.study_uid(next(s for s in catalogue.STUDIES if s.key == "JN1-003")))


@dataclass(frozen=True)
class Picture:
    name: str
    account: str
    path: str
    ready: Callable[[Page], None]
    viewport: str = "desktop"
    side: str = "work"


def _list(page: Page) -> None:
    page.locator("#study-rows [data-uid]:visible, #study-cards [data-uid]:visible").first.wait_for()
    page.wait_for_load_state("networkidle")


def _slice(number: int) -> Callable[[Page], None]:
    def ready(page: Page) -> None:
        viewport = page.locator("[data-testid=viewport]")
        page.wait_for_function(
            "() => { const v = document.querySelector('[data-testid=viewport]');"
            " return v && v.dataset.loaded === v.dataset.total && v.dataset.total !== '0'; }",
            timeout=60_000,
        )
        for _ in range(number - int(viewport.get_attribute("data-slice") or 1)):
            page.keyboard.press("ArrowDown")
        page.wait_for_load_state("networkidle")

    return ready


def _writing(page: Page) -> None:
    page.locator("#findings").wait_for()
    _slice(46)(page)
    page.locator("#edit:visible").click()
    page.get_by_text("您正在编辑").first.wait_for()


def _sign_in(page: Page) -> None:
    page.locator("#account").wait_for()
    page.wait_for_load_state("networkidle")


def _doctors(page: Page) -> None:
    page.locator("#doctor-rows [data-account]").first.wait_for()
    page.wait_for_load_state("networkidle")


SHOTS = (
    Picture("login", "", "/login", _sign_in),
    Picture("doctors", "chensuyun", "/admin/doctors", _doctors, side="admin"),
    Picture("studies", "zhouzhibai", "/studies?days=all", _list),
    Picture("viewer", "zhouzhibai", f"/viewer/{CHEST}", _slice(46)),
    Picture("report", "zhouzhibai", f"/reports/{CHEST}", _writing),
    Picture("studies-phone", "zhouzhibai", "/studies?days=all", _list, "phone"),
    Picture("viewer-phone", "zhouzhibai", f"/viewer/{CHEST}", _slice(46), "phone"),
)


def take(browser: Browser, site: Site, password: str, picture: Picture) -> bytes:
    phone = picture.viewport == "phone"
    context = browser.new_context(
        viewport=VIEWPORTS[picture.viewport],
        has_touch=phone,
        is_mobile=phone,
        device_scale_factor=2 if phone else 1,
    )
    page = context.new_page()
    if picture.account:
        # The form as it is posted: where it leads is not looked at.
        given = {"account": picture.account, "password": password, "side": picture.side}
        context.request.post(f"{site.url}/auth/login", form=given, headers={"Origin": site.url})
    page.goto(site.url + picture.path)
    picture.ready(page)
    shot = page.screenshot()
    context.close()
    return shot


def printed(site: Site, password: str, account: str) -> bytes:
    """The first sheet of a printed report as a picture, with poppler's pdftoppm."""
    import httpx

    client = httpx.Client(base_url=site.url, headers={"Origin": site.url}, timeout=60)
    client.post("/auth/login", data={"account": account, "password": password})
    pdf = client.get(f"/print/{PRINTED}.pdf").content
    command = ["pdftoppm", "-png", "-r", "80", "-f", "1", "-l", "1", "-"]
    return subprocess.run(command, input=pdf, stdout=subprocess.PIPE, check=True).stdout


def keep(name: str, shot: bytes) -> None:
    target = PICTURES / f"{name}.webp"
    Image.open(io.BytesIO(shot)).convert("RGB").save(target, "webp", quality=82, method=6)
    print(f"  {target.relative_to(REPOSITORY)} {target.stat().st_size // 1024} kB", flush=True)


def main() -> None:
    site = Site(DATA)
    shutil.rmtree(DATA, ignore_errors=True)  # dates are relative to today
    DATA.mkdir(parents=True)
    environment = {**os.environ, "MIP_DATA_DIR": str(DATA)}
    command = [sys.executable, "-m", "mip_app.cli", "demo"]
    subprocess.run([*command, "seed"], cwd=REPOSITORY, env=environment, check=True)
    listed = subprocess.run(
        [*command, "accounts", "--json"], cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE
    )
    passwords = {entry["account"]: entry["password"] for entry in json.loads(listed.stdout)}
    site.start()
    try:
        with sync_playwright() as playwright:
            opened = playwright.chromium.launch(executable_path=chromium.find(), args=chromium.FLAGS)
            for picture in SHOTS:
                keep(picture.name, take(opened, site, passwords.get(picture.account, ""), picture))
            opened.close()
        keep("print", printed(site, passwords["linwangshu"], "linwangshu"))
    finally:
        site.stop()


if __name__ == "__main__":
    main()
