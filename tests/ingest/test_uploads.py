"""Uploads that go on after a lost connection, over HTTP: whose they are, how far they got, what ends them."""

import base64
import hashlib
import json
import os
import time

import pytest
from starlette.testclient import TestClient

from mip_app.accounts.models import Role
from mip_app.core.blobs import blobs
from mip_app.core.settings import settings
from mip_app.ingest import resuming
from tests.ingest.made import image

WHOLE = image(1, side=512)


@pytest.fixture
def person(db, actor):
    """A browser of the technician (each time a new one), of `another=True`, or of another role."""
    from mip_app.mip_app import http_api

    known = {}

    def made(role=Role.TECHNICIAN, another=False, **where) -> TestClient:
        key = (role, another, *where)
        who = known.setdefault(key, actor(role, **where) if role and key not in known else known.get(key))

        app = http_api()

        async def with_actor(scope, receive, send):
            await app({**scope, "mip_actor": who, "mip_address": ""}, receive, send)

        client = TestClient(with_actor)
        client.who = who
        return client

    return made


def begun(client: TestClient, length: int = len(WHOLE)) -> str:
    answer = client.post("/ingest/uploads", headers={"Upload-Length": str(length), "X-File-Name": "a.dcm"})
    assert answer.status_code == 201
    return answer.headers["Location"]


def append(client: TestClient, at: str, data: bytes, offset: int):
    return client.patch(at, content=data, headers={"Upload-Offset": str(offset)})


def offset(client: TestClient, at: str) -> int:
    return int(client.head(at).headers["Upload-Offset"])


def test_it_goes_on_where_it_ended_and_is_taken_in_bit_for_bit(person):
    client = person()
    at = begun(client)
    assert append(client, at, WHOLE[:100_000], 0).status_code == 204
    again = person()  # a new page, a new process: nothing of it was in memory
    assert offset(again, at) == 100_000
    assert append(again, at, WHOLE, 0).status_code == 409
    assert again.post(f"{at}/take").status_code == 409
    assert append(again, at, WHOLE[100_000:], 100_000).headers["Upload-Offset"] == str(len(WHOLE))
    digest = base64.b64encode(hashlib.sha256(WHOLE).digest()).decode()
    assert again.post(f"{at}/take", headers={"Repr-Digest": f"sha-256=:{'A' * 43}=:"}).status_code == 409
    taken = again.post(f"{at}/take", headers={"Repr-Digest": f"sha-256=:{digest}:"})
    assert [json.loads(line).get("kind") for line in taken.text.splitlines()] == ["stored", None]
    # The answer was lost: it is asked for again, and nothing is sent twice.
    assert json.loads(again.post(f"{at}/take").text.splitlines()[0])["kind"] == "unchanged"
    assert again.delete(at).status_code == 204
    assert again.head(at).status_code == 404
    assert not list(blobs().incoming.iterdir())


def test_what_came_before_the_connection_broke_stays(person):
    client = person()
    at = begun(client)

    def breaks():
        yield WHOLE[:200_000]
        raise ConnectionError

    with pytest.raises(ConnectionError):
        append(client, at, breaks(), 0)
    there = offset(client, at)
    assert append(client, at, WHOLE[there:], there).status_code == 204


def test_the_request_that_hangs_gives_way_to_the_next(person):
    client = person()
    at = begun(client)
    hanging = resuming.Appending(client.who, at.rsplit("/", 1)[1], 0)
    hanging.write(WHOLE[:1000])
    assert append(client, at, WHOLE[1000:2000], 1000).status_code == 204
    with pytest.raises(resuming.OtherOffset):
        hanging.write(WHOLE[1000:2000])
    assert offset(client, at) == 2000


def test_to_anybody_else_it_does_not_exist(person, qh2):
    at = begun(person())
    nowhere = at[:-4] + "0000"
    for other in (person(another=True), person(institution=qh2)):
        for ask in ("head", "delete"):
            assert getattr(other, ask)(at).status_code == getattr(other, ask)(nowhere).status_code == 404
        assert append(other, at, b"x", 0).status_code == 404
        assert other.post(f"{at}/take").status_code == 404
    assert person(None).head(at).status_code == 401
    assert person(Role.CLINICIAN).head(at).status_code == 403
    assert person().head("/ingest/uploads/..%2F..%2Fmip.sqlite3").status_code == 404


def test_a_person_has_so_many_and_promises_so_much(person, monkeypatch):
    monkeypatch.setattr(settings(), "max_uploads", 2)
    client = person()
    ends = begun(client)
    begun(client)
    head = {"Upload-Length": "5"}
    assert client.post("/ingest/uploads", headers=head).status_code == 429
    client.delete(ends)
    monkeypatch.setattr(settings(), "max_upload_bytes", len(WHOLE) + 4)
    assert client.post("/ingest/uploads", headers=head).json()["code"] == "ingest.too_many_uploads"
    monkeypatch.setattr(settings(), "max_archive_bytes", 4)
    assert client.post("/ingest/uploads", headers=head).status_code == 413
    assert client.post("/ingest/uploads", headers={"Upload-Length": "-1"}).status_code == 400


def test_more_than_was_promised_is_refused(person):
    client = person()
    at = begun(client, 10)
    assert append(client, at, b"x" * 11, 0).status_code == 413
    assert offset(client, at) <= 10


def test_after_a_day_it_is_gone(person):
    client = person()
    at = begun(client)
    yesterday = time.time() - resuming.KEPT_SECONDS - 60
    for path in blobs().incoming.iterdir():
        os.utime(path, (yesterday, yesterday))
    assert client.head(at).status_code == 404
    blobs().tidy()
    assert not list(blobs().incoming.iterdir())
