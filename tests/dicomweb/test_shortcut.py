"""Frames and metadata in front of the framework: the same answers as the routes give, and authorised each time."""

import gzip
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx
import pydicom
import pytest
from fastapi import FastAPI
from pydicom.data import get_testdata_file
from sqlalchemy import delete, update
from sqlmodel import Session, col, select
from starlette.types import Receive, Scope, Send

from mip_app.accounts import opening, sessions
from mip_app.accounts.identity import Accounts
from mip_app.accounts.models import ApiKey, Membership, Role
from mip_app.accounts.recognising import nobody
from mip_app.accounts.remembering import remembered
from mip_app.audit.models import Act, AuditEntry
from mip_app.core import bus, database
from mip_app.core.actor import Actor
from mip_app.core.blobs import blobs
from mip_app.core.clock import utc_now
from mip_app.core.errors import MipError
from mip_app.core.http import Guard, error_answer
from mip_app.core.settings import settings
from mip_app.dicomweb import api, retrieving_api
from mip_app.dicomweb.open_files import Gone, OpenFiles
from mip_app.dicomweb.shortcut import DicomWebShortcut
from mip_app.studies import grants
from mip_app.studies.grants import Wanted
from mip_app.studies.models import Instance, Series
from tests.loops import run

AS_STORED = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'
BY_THE_ROUTE = f"?accept={quote(AS_STORED)}"  # means the same, and the shortcut leaves it
# Native, big endian, deflated, RLE with two frames, JPEG 2000, many native frames.
FILES = (
    "CT_small.dcm",
    "MR_small_bigendian.dcm",
    "image_dfl.dcm",
    "SC_rgb_rle_2frame.dcm",
    "JPEG2000.dcm",
    "rtdose.dcm",
)


@dataclass
class House:
    """The guard, the shortcut and the routes of DICOMweb over a fresh database, without a server."""

    key: str
    institution: int
    shortcut: DicomWebShortcut
    guard: Guard
    by_route: int = 0  # requests that the shortcut left to the routes

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.all_of([(path, headers)])[0]

    def all_of(self, asked: list[tuple[str, dict[str, str]]]) -> list[httpx.Response]:
        async def one_after_another() -> list[httpx.Response]:
            transport = httpx.ASGITransport(self.guard)
            async with httpx.AsyncClient(transport=transport, base_url="http://house") as client:
                return [await client.get(path, headers=self._headers(given)) for path, given in asked]

        return run(one_after_another())

    def _headers(self, given: dict[str, str]) -> dict[str, str]:
        given = {name.replace("_", "-"): value for name, value in given.items()}
        own = {} if "cookie" in given else {"authorization": f"Bearer {self.key}"}
        return {"accept-encoding": "", **own, **given}


@pytest.fixture
def house(db: str, jn1: int) -> Iterator[House]:
    routes = FastAPI()
    routes.include_router(api.router)
    routes.include_router(retrieving_api.router)
    routes.add_exception_handler(MipError, error_answer)
    accounts = Accounts()
    shortcut = DicomWebShortcut(accounts.lately)

    async def left(scope: Scope, receive: Receive, send: Send) -> None:
        made.by_route += 1
        await routes(scope, receive, send)

    key = database.write(opening.create_api_key, opening.CONSOLE, jn1, "viewer")
    made = House(key, jn1, shortcut, Guard(left, accounts.find, None, [shortcut]))
    remembered.forget()
    yield made
    bus._hearers.remove(shortcut._heard)


@pytest.fixture
def stored(ingest: Callable[..., list]) -> dict[str, Path]:
    found = {name: Path(str(get_testdata_file(name, download=False))) for name in FILES}
    assert {outcome.kind for outcome in ingest(found.values())} == {"stored"}
    return found


def instance_path(path: Path) -> str:
    data = pydicom.dcmread(path, stop_before_pixels=True)
    return f"{series_path(path)}/instances/{data.SOPInstanceUID}"


def series_path(path: Path) -> str:
    data = pydicom.dcmread(path, stop_before_pixels=True)
    return f"/dicom-web/studies/{data.StudyInstanceUID}/series/{data.SeriesInstanceUID}"


on_sqlite = pytest.mark.parametrize("db", ["sqlite"], indirect=True)


def alike(answer: httpx.Response) -> tuple[object, ...]:
    """Without what differs from answer to answer: the boundary, and whether the length is said beforehand."""
    kind = answer.headers.get("content-type", "")
    boundary = (re.findall("boundary=(.+)", kind) or ["-"])[0]
    body = answer.content.replace(boundary.encode(), b"B")
    headers = {n: v for n, v in answer.headers.items() if n not in ("content-length", "transfer-encoding")}
    return answer.status_code, body, {**headers, "content-type": kind.replace(boundary, "B")}


def test_frames_are_those_of_the_route_byte_for_byte(house: House, stored: dict[str, Path]) -> None:
    short = 0
    for path in stored.values():
        frames = int(pydicom.dcmread(path).get("NumberOfFrames", 1))
        for number in {1, frames, frames + 1}:
            at = f"{instance_path(path)}/frames/{number}"
            before = house.by_route
            quick = house.get(at, accept=AS_STORED)
            short += house.by_route == before
            slow = house.get(at + BY_THE_ROUTE, accept="text/plain")
            assert alike(quick) == alike(slow), (path.name, number)
            if quick.status_code == 200:
                again = {"accept": AS_STORED, "if-none-match": quick.headers["etag"]}
                assert house.get(at, **again).status_code == 304
    assert short >= 6  # not those of big endian and deflated files, nor the ones that are not there


@on_sqlite
def test_what_has_to_be_decoded_is_left_to_the_route(house: House, stored: dict[str, Path]) -> None:
    at = f"{instance_path(stored['JPEG2000.dcm'])}/frames/1"
    native = 'multipart/related; type="application/octet-stream"'
    answer = house.get(at, accept=native)
    assert house.by_route == 1
    assert b"transfer-syntax=1.2.840.10008.1.2.1\r\n" in answer.content
    assert house.get(at, accept="text/plain").status_code == 406


@on_sqlite
def test_metadata_is_that_of_the_route_packed_or_not(house: House, stored: dict[str, Path]) -> None:
    at = f"{series_path(stored['CT_small.dcm'])}/metadata"
    plain = house.get(at, accept="application/dicom+json")
    packed = house.get(at, accept="application/dicom+json", accept_encoding="gzip, br")
    assert house.by_route == 0
    slow = house.get(at, accept="application/dicom+json; q=1")
    assert house.by_route == 1
    assert plain.content == packed.content == slow.content
    assert packed.headers["content-encoding"] == "gzip" and "content-encoding" not in plain.headers
    assert plain.headers["cache-control"] == slow.headers["cache-control"] == "private, no-store"
    assert plain.headers["etag"] != packed.headers["etag"]
    assert house.get(at, if_none_match=plain.headers["etag"]).status_code == 304
    assert gzip.decompress(run(_raw(house, at))) == plain.content


async def _raw(house: House, path: str) -> bytes:
    transport = httpx.ASGITransport(house.guard)
    async with httpx.AsyncClient(transport=transport, base_url="http://house") as client:
        headers = {"authorization": f"Bearer {house.key}", "accept-encoding": "gzip"}
        async with client.stream("GET", path, headers=headers) as answer:
            return b"".join([piece async for piece in answer.aiter_raw()])


def test_another_institutions_and_nobodys_answer_alike_and_are_written_down(
    house: House, stored: dict[str, Path], qh2: int
) -> None:
    theirs = database.write(opening.create_api_key, opening.CONSOLE, qh2, "theirs")
    own, nowhere = (
        instance_path(stored["CT_small.dcm"]),
        "/dicom-web/studies/1.2/series/1.2.3/instances/1.2.3.4",
    )
    asked = [own, nowhere, own.rsplit(".", 1)[0]]
    assert house.get(f"{own}/frames/1", accept=AS_STORED).status_code == 200
    bearer = {"authorization": f"Bearer {theirs}"}
    answers = house.all_of([(f"{path}/frames/1", bearer) for path in asked])
    answers += house.all_of([(f"{path.partition('/instances')[0]}/metadata", bearer) for path in asked])
    assert {(answer.status_code, answer.content) for answer in answers} == {(404, answers[1].content)}
    refused = _entries(Act.STUDY_VIEWED, qh2)
    assert refused == ["refused", "refused"]  # the study of others, and the one that is nobody's


def test_a_granted_frame_is_answered_here_and_what_is_withdrawn_counts_for_the_next(
    house: House, stored: dict[str, Path], qh2: int
) -> None:
    theirs = {
        "authorization": f"Bearer {database.write(opening.create_api_key, opening.CONSOLE, qh2, 'theirs')}"
    }
    at, series = instance_path(stored["CT_small.dcm"]), series_path(stored["CT_small.dcm"])
    wanted = Wanted(to_institution=qh2, reason="会诊", study_uid=at.split("/")[3])
    number = database.write(grants.give_for, opening.CONSOLE, house.institution, wanted)
    asked = [(f"{at}/frames/1", {**theirs, "accept": AS_STORED}), (f"{series}/metadata", theirs)]
    assert [answer.status_code for answer in house.all_of(asked)] == [200, 200]
    assert house.by_route == 0
    # To look at, and not to keep.
    whole = (at, {**theirs, "accept": "application/dicom"})
    assert [answer.status_code for answer in house.all_of([whole])] == [403]
    database.write(grants.withdraw_any, opening.CONSOLE, number)
    assert [answer.status_code for answer in house.all_of([*asked, whole])] == [404, 404, 404]


def _entries(act: Act, institution: int) -> list[str]:
    with Session(database.engine()) as session:
        rows = session.exec(
            select(AuditEntry.result).where(AuditEntry.act == act, AuditEntry.institution_id == institution)
        )
        return [str(row) for row in rows]


@on_sqlite
def test_a_look_is_written_down_once_whatever_is_fetched_of_the_study(
    house: House, stored: dict[str, Path]
) -> None:
    at = instance_path(stored["rtdose.dcm"])
    asked = [(f"{at}/frames/{n}", {"accept": AS_STORED}) for n in range(1, 8)]
    house.all_of([*asked, (f"{series_path(stored['rtdose.dcm'])}/metadata", {})])
    assert house.by_route == 0
    assert _entries(Act.STUDY_VIEWED, house.institution) == ["done"]


@on_sqlite
def test_without_a_key_or_the_right_nothing_is_answered_here(
    house: House, stored: dict[str, Path], actor: Callable[..., Actor]
) -> None:
    at = f"{instance_path(stored['CT_small.dcm'])}/frames/1"
    assert house.get(at, cookie="a=b").status_code == 401
    assert house.get(at, authorization="Bearer mip_wrong").status_code == 401
    assert house.get(at, cookie=_cookie(actor(Role.AUDITOR))).status_code == 403


def _cookie(person: Actor) -> str:
    return f"mip_session={database.write(sessions.open_session, nobody(), person.user).token}"


def _signed_out(person: Actor) -> None:
    database.write(lambda session, _: sessions.end_sessions(session, [person.user]), person)


def _without_roles(person: Actor) -> None:
    def change(session: Session, _: Actor) -> None:
        membership = session.exec(select(Membership).where(Membership.user_id == person.user)).one()
        membership.roles = [Role.AUDITOR]

    database.write(change, person)


@pytest.mark.parametrize(("end", "status"), [(_signed_out, 401), (_without_roles, 403)])
def test_a_sign_in_that_ends_or_loses_its_right_counts_for_the_next_frame(
    house: House,
    stored: dict[str, Path],
    actor: Callable[..., Actor],
    end: Callable[[Actor], None],
    status: int,
) -> None:
    person = actor(Role.REPORTER)
    at, cookie = f"{instance_path(stored['CT_small.dcm'])}/frames/1", _cookie(person)
    assert house.get(at, cookie=cookie, accept=AS_STORED).status_code == 200
    end(person)
    assert house.get(at, cookie=cookie, accept=AS_STORED).status_code == status


@on_sqlite
def test_a_revoked_key_counts_at_once_here_and_within_a_second_elsewhere(
    house: House, stored: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    at = f"{instance_path(stored['CT_small.dcm'])}/frames/1"
    revoked = update(ApiKey).values(revoked_at=utc_now())
    other = database.write(opening.create_api_key, opening.CONSOLE, house.institution, "other")
    assert house.get(at, authorization=f"Bearer {other}").status_code == 200
    database.write(lambda session, _: session.execute(revoked.where(ApiKey.name == "other")), opening.CONSOLE)
    assert house.get(at, authorization=f"Bearer {other}").status_code == 401
    # As another process does: this one hears nothing of it.
    assert house.get(at).status_code == 200
    with database.engine().begin() as connection:
        connection.execute(revoked)
    seconds = remembered.seconds
    assert house.get(at).status_code == 200 and seconds <= 1
    clock = time.monotonic
    monkeypatch.setattr("mip_app.core.keeping.monotonic", lambda: clock() + seconds)
    assert house.get(at).status_code == 401


@on_sqlite
def test_what_is_removed_is_gone_at_once_and_its_file_closed(house: House, stored: dict[str, Path]) -> None:
    at = f"{instance_path(stored['CT_small.dcm'])}/frames/1"
    assert house.get(at, accept=AS_STORED).status_code == 200
    assert len(house.shortcut.files) == 1
    uid = pydicom.dcmread(stored["CT_small.dcm"]).SOPInstanceUID

    def removed(session: Session, _: Actor) -> str:
        which = Instance.sop_instance_uid == uid
        row = session.exec(
            select(Instance.series_pk, Instance.blob).where(which).execution_options(through_the_door=True)
        ).one()
        session.execute(delete(Instance).where(which))
        raised = update(Series).where(col(Series.id) == row[0]).values(revision=Series.revision + 1)
        session.execute(raised)
        blobs().remove(row[1])
        bus.touch(session, f"studies:{house.institution}")
        return str(row[1])

    database.write(removed, opening.CONSOLE)
    assert house.get(at, accept=AS_STORED).status_code == 404
    assert len(house.shortcut.files) == 0


@on_sqlite
def test_the_frames_for_a_proxy_are_the_same_answers_in_files(
    house: House, stored: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    at = f"{instance_path(stored['SC_rgb_rle_2frame.dcm'])}/frames/2"
    direct = house.get(at, accept=AS_STORED)
    monkeypatch.setenv("MIP_X_ACCEL", "/blobs/")
    settings.cache_clear()
    told = house.get(at, accept=AS_STORED)
    key = told.headers["x-accel-redirect"].removeprefix("/blobs/")
    file = blobs().file(key)
    assert file is not None and told.content == b""
    boundary = told.headers["content-type"].partition("boundary=")[2].encode()
    was = direct.headers["content-type"].partition("boundary=")[2].encode()
    assert file.read_bytes().replace(boundary, b"B") == direct.content.replace(was, b"B")
    assert told.headers["etag"] == direct.headers["etag"]
    assert house.get(at, accept=AS_STORED, if_none_match=told.headers["etag"]).status_code == 304
    # Another process has made room for its own: nginx asks once more, and it is cut anew after that.
    file.unlink()
    again = house.get(at, accept=AS_STORED, x_mip_direct="1")
    assert alike(again)[:2] == alike(direct)[:2]
    assert house.get(at, accept=AS_STORED).headers["x-accel-redirect"] and file.exists()


def test_only_so_many_files_stay_open_and_what_is_missing_is_said(tmp_path: Path) -> None:
    paths = [tmp_path / str(n) for n in range(9)]
    for number, path in enumerate(paths):
        path.write_bytes(bytes([number]) * 100)
    files = OpenFiles(most=4)

    async def read() -> list[bytes]:
        found = [bytes(await files.read(path, 10, 50)) for path in paths * 2]
        for path, offset in ((tmp_path / "none", 0), (paths[0], 60)):
            with pytest.raises(Gone):
                await files.read(path, offset, 50)
        return found

    assert run(read()) == [bytes([n]) * 50 for n in range(9)] * 2
    assert len(files) == 4
    paths[8].unlink()
    files.let_go_of_removed()
    assert len(files) == 3
