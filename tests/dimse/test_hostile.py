"""Whoever says what no standard knows is shown out; the others are served meanwhile, in bounded memory."""

import gc
import struct
import threading
import time
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import ExitStack

import psutil
import pytest

from mip_app.core.settings import settings
from mip_app.core.texts import words
from mip_app.dimse import acceptor, association
from mip_app.dimse.messages import COMMAND_MOST, IDENTIFIER_MOST
from mip_app.dimse.storing import file_meta
from tests.dimse.callers import (
    Wire,
    associate_rq,
    associated,
    command,
    data_set_of,
    item,
    pdu,
    pdv,
    send,
    store_rq,
)
from tests.dimse.conftest import register, rows, serving, waiting
from tests.ingest.made import ROOT, beyond_limits, image

CT, VERIFICATION = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.1"
IMPLICIT, EXPLICIT, DEFLATED = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99"
UID = f"{ROOT}.1.1.1"  # of image(1)
CLOSED, ACCEPTED, REJECTED, ABORTED = 0, 2, 3, 7


@pytest.fixture
def others_are_served(scp, tmp_path) -> Iterator[None]:
    """After whatever a test did, the next caller is served at once and nothing is left behind."""
    yield
    path = tmp_path / "next.dcm"
    path.write_bytes(image(99))
    begun = time.monotonic()
    assert send(scp.port, path).Status == 0
    assert time.monotonic() - begun < 5
    until = time.monotonic() + 15
    while scp.acceptor._open and time.monotonic() < until:
        time.sleep(0.02)  # threads of the shown out are ending
    assert not scp.acceptor._open and scp.acceptor.slots.taken() == 0
    assert nothing_is_left()


def nothing_is_left() -> bool:
    """Threads of the shown out may still be ending."""
    until = time.monotonic() + 5
    while waiting() and time.monotonic() < until:
        time.sleep(0.02)
    return waiting() == []


def ended(wire: Wire) -> bool:
    """Aborted or closed, in bounded time."""
    while True:
        kind, _ = wire.hear()
        if kind in (CLOSED, ABORTED):
            return True


GARBAGE = {
    "http": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "zeros": bytes(64),
    "an unknown PDU": pdu(9, b"abc"),
    "an accept nobody asked for": pdu(2, bytes(68)),
    "data before an association": pdv(1, 3, b"abc"),
    "an empty request": pdu(1, b""),
    "a torn request": pdu(1, associate_rq([(VERIFICATION, IMPLICIT)])[6:-3]),
    "a huge length": struct.pack(">BBI", 1, 0, 0xFFFFFFFF) + bytes(4096),
    "lengths that lie": pdu(1, associate_rq([])[6:74] + struct.pack(">BBH", 0x10, 0, 65535) + b"x"),
    "items in items": pdu(1, associate_rq([])[6:74] + item(0x20, item(0x20, item(0x20, b"\1")))),
}


@pytest.mark.parametrize("sent", GARBAGE.values(), ids=GARBAGE)
def test_garbage_before_an_association(scp, others_are_served, sent: bytes):
    with Wire(scp.port) as wire:
        wire.say(sent)
        assert ended(wire)


LATER = {
    "an unknown PDU": pdu(200, b""),
    "a huge length": struct.pack(">BBI", 4, 0, 0xFFFFFFF0) + bytes(4096),
    "another request": associate_rq([(VERIFICATION, IMPLICIT)]),
    "a value longer than its PDU": pdu(4, struct.pack(">IBB", 1000, 1, 3) + b"x"),
    "a value of no length": pdu(4, struct.pack(">IBB", 0, 1, 3)),
    "a command of nothing": pdv(1, 3, b""),
    "a command of noise": pdv(1, 3, bytes(range(256))),
    "a command whose length lies": pdv(1, 3, struct.pack("<HHI", 0, 2, 0xFFFFFFFF) + b"1.2"),
    "a command without end": pdv(1, 1, bytes(16000)) * (COMMAND_MOST // 16000 + 2),
    "a data set without a command": pdv(1, 2, b"abc"),
    "an image in a context nobody accepted": pdv(99, 3, store_rq(CT, "1.2.3")) + pdv(99, 2, b"abc"),
    "an image without a data set": pdv(
        1, 3, command(AffectedSOPClassUID=CT, CommandField=1, MessageID=1, CommandDataSetType=0x0101)
    ),
    "a command inside an image": pdv(1, 3, store_rq(CT, "1.2.3")) + pdv(1, 3, store_rq(CT, "1.2.4")),
    "a query without end": pdv(
        3,
        3,
        command(AffectedSOPClassUID=VERIFICATION, CommandField=0x20, MessageID=1, CommandDataSetType=1),
    )
    + pdv(3, 0, bytes(100_000)) * (IDENTIFIER_MOST // 100_000 + 2),
    "a command field nobody knows": pdv(1, 3, command(CommandField=0x7777, CommandDataSetType=0x0101)),
}


@pytest.mark.parametrize("sent", LATER.values(), ids=LATER)
def test_garbage_inside_an_association(scp, others_are_served, sent: bytes):
    with Wire(scp.port) as wire:
        assert wire.associate((CT, EXPLICIT), (VERIFICATION, IMPLICIT)) == ACCEPTED
        try:
            wire.say(sent)
        except OSError:  # shown out before it had said it all
            return
        assert ended(wire)
    assert rows() == []


def test_a_flood_of_contexts_is_refused(scp, others_are_served):
    with Wire(scp.port) as wire:
        assert wire.associate(*[(f"1.2.3.{n}", IMPLICIT) for n in range(2000)]) == REJECTED


def test_a_caller_who_falls_silent_is_shown_out(on_sqlite, hospital, monkeypatch):
    monkeypatch.setattr(acceptor, "NEGOTIATED_WITHIN", 0.4)
    monkeypatch.setenv("MIP_DIMSE_IDLE_SECONDS", "1")
    register(hospital("JN1"))
    with serving() as scp, Wire(scp.port) as nothing, Wire(scp.port) as half, Wire(scp.port) as idle:
        half.say(associate_rq([(CT, EXPLICIT)])[:50])
        assert idle.associate((CT, EXPLICIT)) == ACCEPTED
        with Wire(scp.port) as torn:
            assert torn.associate((CT, EXPLICIT)) == ACCEPTED
            torn.say(pdv(1, 3, store_rq(CT, "1.2.3")), pdv(1, 0, bytes(1000)))
            for wire in (nothing, half, idle, torn):
                assert ended(wire)
        assert nothing_is_left()


def test_floods_of_connections_leave_room_for_the_known(on_sqlite, hospital, tmp_path):
    register(hospital("JN1"))
    path = tmp_path / "1.dcm"
    path.write_bytes(image(1))
    with serving(most=10) as scp, ExitStack() as held:
        for _ in range(25):
            held.enter_context(Wire(scp.port))
        assert send(scp.port, path).Status == 0


def test_too_many_associations_are_told_to_come_later(on_sqlite, hospital):
    jn1 = hospital("JN1")
    for title in ("CT1", "CT2", "CT3"):
        register(jn1, title)
    with serving(most=3, of_node=2) as scp, ExitStack() as held:

        def ask(title: str) -> tuple[int, int, int] | None:
            made = held.enter_context(associated(scp.port, [(CT, [EXPLICIT])], title))
            answer = made.acceptor.primitive
            return (answer.result, answer.result_source, answer.diagnostic) if made.is_rejected else None

        full = (2, 3, 2)
        assert [ask("CT1"), ask("CT1"), ask("CT1")] == [None, None, full]
        assert [ask("CT2"), ask("CT3")] == [None, full]
        held.close()
        until = time.monotonic() + 5
        while scp.acceptor.slots.taken() and time.monotonic() < until:
            time.sleep(0.02)  # they are leaving
        assert ask("CT3") is None


def test_an_element_that_claims_gigabytes_is_refused_in_words(scp, others_are_served, tmp_path):
    for tag in (0x00080016, 0x00091001, 0x7FE00010):
        path = tmp_path / f"{tag:x}.dcm"
        group, element = tag >> 16, tag & 0xFFFF
        whole = image(1)
        claim = struct.pack("<HH2sHI", group, element, b"OB", 0, 0xFFFFFF00) + b"x" * 16
        body = data_set_of(whole)
        path.write_bytes(whole[: len(whole) - len(body)] + body[:600] + claim)
        answer = send(scp.port, path)
        assert answer.Status in (0xC000, 0xA900) and answer.ErrorComment
    assert rows() == []


@pytest.mark.parametrize("setting", beyond_limits())
def test_an_image_that_asks_for_more_than_is_set_is_refused_in_words(scp, monkeypatch, tmp_path, setting):
    most, file, code = beyond_limits()[setting]
    (tmp_path / "1.dcm").write_bytes(file)
    with monkeypatch.context() as patch:
        patch.setattr(settings(), setting, most)
        answer = send(scp.port, tmp_path / "1.dcm")
    assert (answer.Status, answer.ErrorComment) == (0xC000, words(code, {}, "en"))
    assert send(scp.port, tmp_path / "1.dcm").Status == 0


def test_a_deflated_bomb_is_refused_without_the_memory_for_it(scp, others_are_served, monkeypatch, tmp_path):
    monkeypatch.setattr(settings(), "max_inflated_bytes", 32 * 1024 * 1024)
    made = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    bomb = made.compress(data_set_of(image(1))[:600])
    for _ in range(64):
        bomb += made.compress(bytes(1024 * 1024))
    bomb += made.flush()
    path = tmp_path / "bomb.dcm"
    path.write_bytes(file_meta(CT, UID, DEFLATED) + bomb)
    before = psutil.Process().memory_info().rss
    assert send(scp.port, path).Status == 0xC000
    assert psutil.Process().memory_info().rss - before < 100 * 1024**2
    assert rows() == []


def test_a_large_image_needs_no_more_memory_than_a_small_one(scp, others_are_served):
    body = data_set_of(image(1, side=4))
    padding = struct.pack("<HH2sHI", 0xFFFC, 0xFFFC, b"OB", 0, 200 * 1024 * 1024)
    with Wire(scp.port) as wire:
        assert wire.associate((CT, EXPLICIT)) == ACCEPTED
        wire.say(pdv(1, 3, store_rq(CT, UID)), pdv(1, 0, body + padding))
        gc.collect()
        tracemalloc.start()
        piece = pdv(1, 0, bytes(128 * 1024 - 100))
        for _ in range(200 * 8):
            wire.say(piece)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 8 * 1024**2


def test_many_images_without_waiting_are_taken_one_by_one(scp, others_are_served):
    """A sender that does not wait for answers fills its own connection, not our disk or memory."""
    answers: list[int] = []
    with Wire(scp.port) as wire:
        assert wire.associate((CT, EXPLICIT)) == ACCEPTED

        def hear() -> None:
            while len(answers) < 40 and (kind := wire.hear()[0]):
                answers.append(kind)

        listener = threading.Thread(target=hear)
        listener.start()
        for number in range(40):
            file = image(number + 1, side=64)
            uid = f"{ROOT}.1.1.{number + 1}"
            wire.say(pdv(1, 3, store_rq(CT, uid)), pdv(1, 2, data_set_of(file)))
        listener.join(20)
    assert answers == [4] * 40 and len(rows()) == 40


def test_echoes_without_waiting_end_the_association(scp, others_are_served, monkeypatch):
    monkeypatch.setattr(association.Association, "_serve_request", lambda *_: time.sleep(0.2))
    echo = pdv(
        1,
        3,
        command(AffectedSOPClassUID=VERIFICATION, CommandField=0x30, MessageID=1, CommandDataSetType=0x0101),
    )
    with Wire(scp.port) as wire:
        assert wire.associate((VERIFICATION, IMPLICIT)) == ACCEPTED
        wire.say(echo * 200)
        assert ended(wire)
    monkeypatch.undo()
