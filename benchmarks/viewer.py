"""How long a reader waits: from double-click to the first image, and to all of a 300-slice CT.

python -m benchmarks.viewer [--runs 5]       a server and a browser of its own (software WebGL)

Also: the study list until its rows stand, and a start with nothing changed until the page is served.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

from tests import browser as chromium
from tests.images import Made, study
from tests.site import PASSWORD, Site, inside

SLICES, SIDE = 300, 512


def chest() -> list[Made]:
    """300 slices of 512 × 512, 16 bit, as a scanner would send them."""
    import numpy as np

    noise = np.random.default_rng(1)
    made = []
    for number, data in enumerate(study(slices=SLICES)):
        data.Rows = data.Columns = SIDE
        data.PixelSpacing = [0.7, 0.7]
        pixels = noise.normal(1000, 60, (SIDE, SIDE)).astype(np.int16)
        pixels[number : number + 100, 100:300] += 200
        data.PixelData = pixels.tobytes()
        made.append(Made(data))
    return made


def reading(browser: Browser, site: Site, uid: str) -> dict[str, float]:
    """One fresh profile: list, double-click, first image, all images. Milliseconds."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.goto(f"{site.url}/login")
    page.fill("#account", "linwangshu")
    page.fill("#password", PASSWORD)
    page.click("#sign-in")
    page.wait_for_url("**/studies**")
    begun = time.perf_counter()
    page.goto(f"{site.url}/studies")
    row = page.locator(f"#study-rows [data-uid='{uid}']")
    row.wait_for()
    listed = time.perf_counter()
    page.wait_for_load_state("networkidle")
    clicked = time.perf_counter()
    row.dblclick()
    page.locator("[data-testid=viewport][data-state=ready]").wait_for()
    first = time.perf_counter()
    _all_loaded(page)
    whole = time.perf_counter()
    page.context.close()
    return {
        "list until rows": (listed - begun) * 1000,
        "double-click to first image": (first - clicked) * 1000,
        f"double-click to {SLICES} slices": (whole - clicked) * 1000,
    }


def _all_loaded(page: Page) -> None:
    page.locator(f"[data-testid=viewport][data-loaded='{SLICES}']").wait_for(timeout=120_000)


def second_start(site: Site) -> float:
    """Milliseconds from the command to the served page, nothing changed."""
    site.stop()
    begun = time.perf_counter()
    site.start()
    httpx.get(f"{site.url}/login/").raise_for_status()
    return (time.perf_counter() - begun) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder))
        with inside(site.data):
            site.open_up()
        slices = chest()
        site.store(slices)
        site.start()
        figures: dict[str, list[float]] = {}
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium.find(), args=chromium.FLAGS)
                for _ in range(runs + 1):  # the first warms the machine and is not counted
                    for name, value in reading(browser, site, str(slices[0].data.StudyInstanceUID)).items():
                        figures.setdefault(name, []).append(value)
            figures["start with nothing changed, until the page is served"] = [
                second_start(site) for _ in range(runs + 1)
            ]
        finally:
            site.stop()
    for name, values in figures.items():
        counted = values[1:]
        print(f"{name:<55} {statistics.median(counted):7.0f} ms  ({min(counted):.0f}-{max(counted):.0f})")


if __name__ == "__main__":
    main()
