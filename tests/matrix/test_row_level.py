"""What is not to be seen takes as long to answer as what is not there. That both answer the same, the matrix holds."""

import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from mip_app.core.gate import COOKIE
from mip_app.mip_app import ROUTERS
from tests.matrix.requests import request_for
from tests.matrix.wire import Wire
from tests.matrix.world import ABSENT, ALIEN, OTHER, ids_of, secret_of
from tests.site import Site, state_name

ROUNDS = 41
# A real difference (one was found and then refused) would be a query or a file; noise is what the machine does.
FACTOR, MARGIN = 1.6, 0.004  # seconds

ROUTES = {
    "/dicom-web/studies/{study}/metadata",
    "/dicom-web/studies/{study}/series",
    "/dicom-web/studies/{study}/series/{series}/instances/{instance}",
    "/dicom-web/studies/{study}/series/{series}/instances/{instance}/frames/{numbers}",
    "/dicom-web/studies/{study}/thumbnail",
    "/print/{study_uid}.pdf",
}
EVENTS = {
    "viewer_state.open": "/viewer/{}",
    "report_page.load": "/reports/{}",
    "report_page.print": "/reports/{}",
}


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory, filled: Path) -> Iterator[Site]:
    made = Site(shutil.copytree(filled, tmp_path_factory.mktemp("row-level") / "data"))
    made.start()
    yield made
    made.stop()


def as_long(ask: Callable[[str], object]) -> None:
    """Ask in turn for others' and for what is not there; the medians are alike."""
    took: dict[str, list[float]] = {OTHER: [], ALIEN: [], ABSENT: []}
    for _ in range(ROUNDS):
        for whose, times in took.items():
            start = time.perf_counter()
            ask(whose)
            times.append(time.perf_counter() - start)
    medians = {whose: statistics.median(times[1:]) for whose, times in took.items()}
    for whose in (OTHER, ALIEN):
        more, less = sorted((medians[whose], medians[ABSENT]))[::-1]
        assert more < less * FACTOR + MARGIN, medians


@pytest.mark.parametrize("path", sorted(ROUTES))
def test_a_route_takes_as_long_for_others_as_for_nothing(installation: Site, path: str) -> None:
    route = next(
        one for router in ROUTERS for one in router.routes if one.path == path and "GET" in one.methods
    )
    cookie = f"{COOKIE}={secret_of('reviewer')}"
    with httpx.Client(base_url=installation.url, headers={"Cookie": cookie}) as client:
        as_long(lambda whose: client.get(request_for(path, route, ids_of(whose))[0]))


@pytest.mark.parametrize("handler", sorted(EVENTS))
def test_a_page_takes_as_long_for_others_as_for_nothing(installation: Site, handler: str) -> None:
    name = state_name(handler)
    with Wire(installation.url, f"{COOKIE}={secret_of('reviewer')}") as tab:

        def ask(whose: str) -> None:
            study = ids_of(whose).of["study"]
            tab.ask(name, EVENTS[handler].format(study), {"study_uid": study}, {})

        as_long(ask)
