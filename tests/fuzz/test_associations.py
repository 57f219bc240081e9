"""Damaged conversations of DIMSE: no crash, no wait, the next caller is served, nothing is left behind."""

import contextlib
import socket
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, seed

from mip_app.accounts import opening
from mip_app.core.database import write
from mip_app.dimse import acceptor
from mip_app.ingest import checking
from mip_app.serving.migration import migrate
from tests.dimse.callers import Wire, pdu, pdv
from tests.dimse.conftest import Serving, register, serving, waiting
from tests.fuzz.conversations import ECHO, IMPLICIT, VERIFICATION, conversations
from tests.fuzz.test_damaged_files import CALM, LONGEST, numbers
from tests.site import inside

DATA, RELEASED = 4, 6


@pytest.fixture
def scp(tmp_path) -> Iterator[Serving]:
    with inside(tmp_path):
        migrate()
        alliance = write(opening.open_alliance, opening.CONSOLE, "江南医联体")
        jn1 = write(opening.open_institution, opening.CONSOLE, alliance, "JN1", "JN1")
        register(jn1, may_query=True)
        with serving() as made:
            yield made


def said(port: int, conversation: bytes) -> None:
    """All of it, and then nothing more: whatever it was, it ends."""
    begun = time.monotonic()
    with Wire(port) as wire:
        with contextlib.suppress(OSError):  # shown out before it had said it all
            wire.say(conversation)
            wire.socket.shutdown(socket.SHUT_WR)
        while wire.hear()[0]:
            pass
    assert time.monotonic() - begun < LONGEST


def verified(port: int) -> None:
    begun = time.monotonic()
    with Wire(port) as wire:
        assert wire.associate((VERIFICATION, IMPLICIT)) == 2
        wire.say(pdv(1, 3, ECHO))
        assert wire.hear()[0] == DATA
        wire.say(pdu(5, bytes(4)))
        assert wire.hear()[0] == RELEASED
    assert time.monotonic() - begun < LONGEST


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_damaged_conversations_do_no_damage(scp: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    unforeseen: list[BaseException] = []
    for module in (acceptor, checking):
        monkeypatch.setattr(module, "note", lambda error: unforeseen.append(error) or "1")
    tried = 0

    def damage(conversation: bytes) -> None:
        nonlocal tried
        said(scp.port, conversation)
        verified(scp.port)
        assert unforeseen == []
        tried += 1

    for number in numbers():
        seed(number)(CALM(given(conversations())(damage)))()
    print(f"{tried} conversations")
    until = time.monotonic() + 15
    while (scp.acceptor._open or waiting()) and time.monotonic() < until:
        time.sleep(0.02)  # threads of the last ones are ending
    assert not scp.acceptor._open and scp.acceptor.slots.taken() == 0
    assert waiting() == []
