"""Damaged files, sent and then asked for in every form: no crash, no 500, no wait, nothing left behind.

`make test` tries a fixed few, `make fuzz` others for ten minutes (MIP_FUZZ_SECONDS).
"""

import os
import time
from collections.abc import Iterator
from io import BytesIO

import httpx
from hypothesis import HealthCheck, given, seed, settings

from mip_app.ingest.same import to_data_set
from tests.fuzz.mutated import files
from tests.site import Site

SECONDS = int(os.environ.get("MIP_FUZZ_SECONDS", "0"))
LONGEST = 5.0  # seconds for any one answer
PROCESSING_FAILURE = 0x0110  # what nobody foresaw: every damage has a reason of its own
CALM = settings(
    max_examples=200 if SECONDS else 60,
    database=None,
    deadline=None,  # each answer is timed by itself below
    suppress_health_check=list(HealthCheck),
)


def asked(client: httpx.Client, method: str, path: str, **more: object) -> httpx.Response:
    begun = time.monotonic()
    answer = client.request(method, path, **more)  # type: ignore[arg-type]
    took = time.monotonic() - begun
    assert answer.status_code < 500 or answer.status_code == 507, (
        method,
        path,
        answer.status_code,
        answer.text,
    )
    assert took < LONGEST, (method, path, took)
    return answer


def numbers() -> Iterator[int]:
    """Of the series of damages: the first, or for as long as it was asked for others than ever before."""
    until = time.monotonic() + SECONDS
    yield time.time_ns() if SECONDS else 1
    while time.monotonic() < until:
        yield time.time_ns()


def values(found: dict, sequence: str) -> list[dict]:
    return found.get(sequence, {}).get("Value", [])


def data_set_of(data: bytes) -> bytes:
    """What stands behind the File Meta Information, which may be damaged itself."""
    file = BytesIO(data)
    to_data_set(file)
    return file.read()


def try_one(client: httpx.Client, data: bytes) -> None:
    sent = {"Content-Type": "application/dicom", "Accept": "application/dicom+json"}
    answer = asked(client, "POST", "/dicom-web/studies", content=data, headers=sent)
    assert answer.status_code in (200, 409, 413), (answer.status_code, answer.text)
    found = answer.json()
    for refused in values(found, "00081198") + values(found, "0008119A"):
        assert refused["00081197"]["Value"] != [PROCESSING_FAILURE], "nobody foresaw this"
    for stored in values(found, "00081199"):
        at = httpx.URL(stored["00081190"]["Value"][0]).path
        asked(client, "GET", f"{at}/metadata")
        asked(client, "GET", f"{at}/frames/1")
        asked(
            client,
            "GET",
            f"{at}/frames/1",
            headers={"Accept": 'multipart/related; type="application/octet-stream"'},
        )
        asked(client, "GET", f"{at}/rendered")
        asked(client, "GET", f"{at.rpartition('/instances/')[0]}/thumbnail")
        with client.stream("GET", at) as whole:
            assert whole.status_code == 200
            # Under another header the same data set is there already, and stays as it came first.
            assert data_set_of(data) in whole.read(), "what was stored is what was sent"


def test_damaged_files_do_no_damage(house: Site) -> None:
    (worker,) = house.workers()
    tried = 0
    key = {"Authorization": f"Bearer {house.keys['JN1']}"}
    with httpx.Client(base_url=house.url, headers=key, timeout=30) as client:

        def damage(data: bytes) -> None:
            nonlocal tried
            try_one(client, data)
            tried += 1

        for number in numbers():
            seed(number)(CALM(given(files(everywhere=bool(SECONDS)))(damage)))()
    print(f"{tried} files")
    assert house.workers()[0].pid == worker.pid, "the server has died"
    assert not list((house.data / "blobs" / "incoming").iterdir())
    log = house.log.read_text()
    assert "Traceback" not in log and "ERROR" not in log
