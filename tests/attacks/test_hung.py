"""A thousand connections that do nothing, or listen to nothing, and a doctor who goes on reading."""

import base64
import contextlib
import itertools
import os
import resource
import socket as sockets
import time
from collections.abc import Callable, Iterator

import httpx
import psutil
import pytest

from tests.site import Site, inside
from tests.socket import STATE, RawSocket

HUNG = 1000
SHELL = f"{STATE}.mip_app___ui___state____shell"
FORM = (
    "POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    "Content-Length: 900\r\n\r\naccount="
)
HALF = "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Half: "


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    yield from _house(tmp_path_factory)


@pytest.fixture
def fresh_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One at which nobody has hammered: strangers are let in at their usual pace."""
    yield from _house(tmp_path_factory)


def _house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An installation on a machine as it comes (1,024 files a process), which waits three seconds for who stalls."""
    made = Site(tmp_path_factory.mktemp("house"))
    with inside(made.data):
        made.open_up()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIP_STALL_SECONDS", "3")
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
        try:
            made.start()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
    yield made
    made.stop()


_turn = itertools.count()


def connection(site: Site, sent: str, source: str = "") -> sockets.socket:
    """From one of ten machines in turn: more than any one of them may hold."""
    source = source or f"127.0.0.{10 + next(_turn) % 10}"
    made = sockets.create_connection(("127.0.0.1", site.port), timeout=10, source_address=(source, 0))
    made.sendall(sent.encode())
    return made


def event_socket(site: Site, cookie: str = "", source: str = "") -> sockets.socket:
    """An opened event socket, of which nothing more is read."""
    key = base64.b64encode(os.urandom(16)).decode()
    made = connection(
        site,
        f"GET /_event/?EIO=4&transport=websocket&token={os.urandom(8).hex()} HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\n"
        f"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
        f"Origin: {site.url}\r\n{f'Cookie: {cookie}' if cookie else 'X-No: cookie'}\r\n\r\n",
        source,
    )
    assert made.recv(12) in (b"HTTP/1.1 101", b"HTTP/1.1 403")
    return made


def frame(text: str) -> bytes:
    """A masked text frame (RFC 6455 5.2) of up to 64 KiB."""
    data = text.encode()
    length = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + len(data).to_bytes(2, "big")
    return b"\x81" + length + b"\x00\x00\x00\x00" + data


HYDRATE = (
    f'42/_event,["event",{{"name":"{STATE}.hydrate","payload":{{}},"router_data":{{"pathname":"/login"}}}}]'
)


def never_reads(site: Site) -> sockets.socket:
    """Asks for the whole state again and again, and takes none of the answers."""
    made = event_socket(site)
    with contextlib.suppress(OSError):
        made.sendall(frame("40/_event,") + frame(HYDRATE) * 100)
    return made


KINDS: dict[str, Callable[[Site], sockets.socket]] = {
    "say nothing": lambda site: connection(site, ""),
    "half-open requests": lambda site: connection(site, HALF),
    "half-sent forms": lambda site: connection(site, FORM),
    "idle event sockets": event_socket,
    "event sockets that never read": never_reads,
}


def measured(doctor: RawSocket, site: Site) -> tuple[float, float]:
    """Seconds of an event's round trip and of /healthz, the slower of five."""
    rounds, health = [], []
    for _ in range(5):
        begun = time.monotonic()
        doctor.send(f"{SHELL}.load")
        doctor.heard.get(timeout=30)
        rounds.append(time.monotonic() - begun)
        begun = time.monotonic()
        assert httpx.get(f"{site.url}/healthz", timeout=30).status_code == 200
        health.append(time.monotonic() - begun)
    return max(rounds), max(health)


def open_connections(worker: psutil.Process) -> int:
    return sum(each.status == psutil.CONN_ESTABLISHED for each in worker.net_connections("tcp"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_thousand_hung_sockets_leave_the_doctor_reading(house: Site, kind: str) -> None:
    (worker,) = house.workers()
    with RawSocket(house.url, cookie=house.cookie("linwangshu")) as doctor:
        doctor.hydrate()
        doctor.answers(1)
        measured(doctor, house)  # warm
        before, memory, held = measured(doctor, house), worker.memory_info().rss, open_connections(worker)
        with contextlib.ExitStack() as stack:
            for _ in range(HUNG):
                stack.enter_context(KINDS[kind](house))
            during, grown = measured(doctor, house), worker.memory_info().rss - memory
            if "event" not in kind:  # these are hung up on by the server itself
                wait_until(lambda: open_connections(worker) <= held + 5)
        wait_until(lambda: open_connections(worker) <= held + 5)
        after = measured(doctor, house)
    print(f"{kind}: ms {[round(s * 1000) for s in (*before, *during, *after)]}, {grown / 1e6:.0f} MB more")
    assert max(during) < 5, "the doctor waits"  # tens of milliseconds on a quiet machine
    assert grown < 300e6  # the buffers of a thousand sockets
    assert house.workers()[0].pid == worker.pid


def wait_until(true: Callable[[], bool], seconds: float = 40) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "still held"
        time.sleep(0.2)  # the only way to see another process let go


def test_nobody_opens_more_event_sockets_than_a_waiting_room_needs_and_a_doctor_still_gets_in(
    house: Site,
) -> None:
    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(event_socket(house, source="127.0.0.1")) for _ in range(250)]
        refused = sum(b"Forbidden" in each.recv(20) for each in opened)
        assert 0 < refused <= 60
        with RawSocket(house.url, cookie=house.cookie("hewei")) as doctor:  # from the same address
            doctor.hydrate()
            assert "is_hydrated" in doctor.answers()


def test_one_sign_in_has_so_many_tabs_and_no_more(house: Site) -> None:
    cookie = house.cookie("hewei")
    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(event_socket(house, cookie)) for _ in range(60)]
        assert sum(b"Forbidden" in each.recv(20) for each in opened) == 10


def test_what_a_stranger_leaves_behind_is_forgotten(fresh_house: Site) -> None:
    """Tabs that belong to nobody come and go; their states do not stay."""
    (worker,) = fresh_house.workers()

    def passes_by() -> bool:
        """Whether it was served: of many at once some may be sent away."""
        said = b""
        with contextlib.closing(event_socket(fresh_house)) as made, contextlib.suppress(ConnectionError):
            made.sendall(frame("40/_event,") + frame(HYDRATE))
            while b"is_hydrated" not in said and (block := made.recv(65536)):
                said += block
        return b"is_hydrated" in said

    wait_until(passes_by)
    for _ in range(50):
        passes_by()
    before = worker.memory_info().rss
    assert sum(passes_by() for _ in range(400)) > 300
    print(f"{(worker.memory_info().rss - before) / 400:.0f} bytes each")
    assert worker.memory_info().rss - before < 8e6
