"""Files from a browser, one a request; an archive's files are answered one by one."""

import io
import json
import zipfile
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from mip_app.accounts.models import Role
from mip_app.core.blobs import blobs
from mip_app.core.settings import settings
from tests.ingest.made import beyond_limits, image


@pytest.fixture
def client(db, actor):
    """A browser of somebody who may upload (or of another, with `.by(role)`)."""
    from mip_app.mip_app import http_api

    app = http_api()

    class As:
        def __init__(self, who):
            async def with_actor(scope, receive, send):
                await app({**scope, "mip_actor": who, "mip_address": ""}, receive, send)

            self.http = TestClient(with_actor)

        def send(self, name: str, body) -> list[dict]:
            answer = self.http.post("/ingest/file", content=body, headers={"X-File-Name": quote(name)})
            assert answer.status_code == 200
            return [json.loads(line) for line in answer.text.splitlines()]

    made = As(actor(Role.TECHNICIAN))
    made.by = lambda role: As(actor(role) if role else None)
    return made


def test_a_file_is_answered_with_what_became_of_it(client):
    assert client.send("张三/1.dcm", image(1)) == [
        {"name": "张三/1.dcm", "kind": "stored", "code": "ingest.stored", "detail": {}},
        {"end": True},
    ]
    assert client.send("1.dcm", image(1))[0]["kind"] == "unchanged"
    assert client.send("x.txt", b"no image")[0]["code"] == "ingest.not_dicom"
    assert client.send("empty", b"")[0]["code"] == "ingest.not_dicom"


def test_an_archive_is_known_by_its_content_and_unpacked(client):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(1, 41):
            archive.writestr(f"d/{number}.dcm", image(number))
        archive.writestr("d/cut.dcm", image(41)[:-50])
    lines = client.send("images.bin", packed.getvalue())
    assert lines[-1] == {"end": True}
    assert [line["kind"] for line in lines[:-1]] == ["stored"] * 40 + ["refused"]
    assert lines[40]["name"] == "images.bin/d/cut.dcm"
    assert not list(blobs().incoming.iterdir())


def test_a_file_over_the_limit_is_refused_while_it_comes(client, monkeypatch):
    monkeypatch.setattr(settings(), "max_file_bytes", 3_000_000)
    sent = 0

    def endless():
        nonlocal sent
        while sent < 50_000_000:
            sent += 1_000_000
            yield bytes(1_000_000)

    assert client.send("big.dcm", endless())[0]["code"] == "ingest.too_large"
    assert not list(blobs().incoming.iterdir())


@pytest.mark.parametrize("setting", beyond_limits())
def test_a_file_that_asks_for_more_than_is_set_is_refused_in_words(client, monkeypatch, setting):
    most, file, code = beyond_limits()[setting]
    with monkeypatch.context() as patch:
        patch.setattr(settings(), setting, most)
        assert client.send("1.dcm", file)[0]["code"] == code
    assert client.send("1.dcm", file)[0]["code"] == "ingest.stored"


@pytest.mark.parametrize(
    ("setting", "most", "code"),
    [
        ("max_archive_entries", 2, "ingest.too_many"),
        ("max_directory_bytes", 100, "ingest.too_many"),
        ("max_archive_bytes", 5000, "ingest.zip_bomb"),
        ("max_archive_ratio", 2, "ingest.zip_bomb"),
        ("max_file_bytes", 700, "ingest.too_large"),
    ],
)
def test_an_archive_that_asks_for_more_than_is_set_is_refused_in_words(
    client, monkeypatch, setting, most, code
):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(1, 5):
            archive.writestr(f"{number}.dcm", image(number, side=32))
    monkeypatch.setattr(settings(), "max_archive_ratio_from", 2000)
    monkeypatch.setattr(settings(), setting, most)
    assert client.send("a.zip", packed.getvalue())[-2]["code"] == code


@pytest.mark.parametrize(("role", "status"), [(None, 401), (Role.CLINICIAN, 403)])
def test_who_may_not_upload_uploads_nothing(client, role, status):
    assert client.by(role).http.post("/ingest/file", content=image(1)).status_code == status
