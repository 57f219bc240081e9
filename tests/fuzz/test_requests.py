"""Requests made from the HTTP API's own description, sensible and not: never a server error, never a hang.

Where a path names a study, a series or an instance, every other request names one that is there.
"""

import itertools
import os

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error

from mip_app.mip_app import http_api
from tests.images import Made, study
from tests.site import Site

EACH = settings(
    max_examples=200 if os.environ.get("MIP_FUZZ_SECONDS") else 8,  # requests of a route
    database=None,
    deadline=None,  # five seconds, by the client
    suppress_health_check=list(HealthCheck),
)
KNOWN: dict[str, str] = {}


@pytest.fixture(scope="module")
def known(house: Site) -> None:
    """A study, by which every other request asks."""
    (image,) = study("WANG^Fang=王^芳", slices=1)
    house.store([Made(image)])
    KNOWN.update(
        study=image.StudyInstanceUID,
        study_uid=image.StudyInstanceUID,
        series=image.SeriesInstanceUID,
        instance=image.SOPInstanceUID,
        numbers="1",
        account="linwangshu",
        form="csv",
    )


@schemathesis.hook
def map_path_parameters(
    _context: object, path_parameters: dict[str, object] | None
) -> dict[str, object] | None:
    """Every second one names what is there."""
    if path_parameters and sum(map(len, map(str, path_parameters.values()))) % 2:
        return {name: KNOWN.get(name, value) for name, value in path_parameters.items()}
    return path_parameters


schema = schemathesis.openapi.from_dict(http_api().openapi())


@pytest.mark.usefixtures("known")
def test_no_request_is_a_server_error(house: Site) -> None:
    who = itertools.cycle(
        [
            {"Authorization": f"Bearer {house.keys['JN1']}"},
            {"Cookie": house.cookie("hewei"), "Origin": house.url},
            {},
        ]
    )
    tried = 0

    def ask(case: schemathesis.Case) -> None:
        nonlocal tried
        tried += 1
        answer = case.call(base_url=house.url, headers=next(who), timeout=5, allow_redirects=False)
        case.validate_response(answer, checks=[not_a_server_error])

    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path != "/auth/logout":  # the doctor stays
            EACH(given(operation.as_strategy())(ask))()
    print(f"{tried} requests")
    assert httpx.get(f"{house.url}/healthz").status_code == 200
    assert "Traceback" not in house.log.read_text()
