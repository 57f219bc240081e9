import contextlib
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlmodel import Session, select

from mip_app.accounts import opening
from mip_app.core.blobs import blobs
from mip_app.core.database import engine, write
from mip_app.core.settings import settings
from mip_app.dimse import registering, workers
from mip_app.dimse.acceptor import Acceptor
from mip_app.dimse.slots import Slots
from mip_app.studies import door
from mip_app.studies.models import Instance
from tests.conftest import _leave, _use
from tests.site import free_port


def register(institution: int, title: str = "CT1", address: str = "127.0.0.1", **more: object) -> int:
    return write(registering.register, opening.CONSOLE, institution, title, address, **more)


def rows() -> list[Instance]:
    with Session(engine()) as session:
        return list(session.exec(door.marked(select(Instance))))


def waiting() -> list[str]:
    """Files left in the waiting room."""
    return [path.name for path in blobs().incoming.iterdir()]


@dataclass
class Serving:
    port: int
    acceptor: Acceptor


@contextlib.contextmanager
def serving(most: int = 50, of_node: int = 20) -> Iterator[Serving]:
    """An acceptor in this process, over its database."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIP_HOST", "127.0.0.1")
        patch.setenv("MIP_DIMSE_PORT", str(free_port()))
        settings.cache_clear()
        slots = Slots(1, most, of_node)
        slots.belong_to(0)
        listening = workers.listening()
        acceptor = Acceptor(listening, slots)
        thread = threading.Thread(target=acceptor.serve)
        thread.start()
        try:
            yield Serving(listening[0].socket.getsockname()[1], acceptor)
        finally:
            acceptor.stop()
            thread.join(10)
            for one in listening:
                one.socket.close()


@pytest.fixture
def on_sqlite(sqlite_template: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A fresh SQLite installation, where the kind of database changes nothing."""
    shutil.copy(sqlite_template, tmp_path / "mip.sqlite3")
    _use(monkeypatch, tmp_path, "")
    yield
    _leave()


@pytest.fixture
def hospital() -> Callable[[str], int]:
    """Opens an institution of one alliance; gives its number."""

    def make(code: str) -> int:
        alliance = write(opening.open_alliance, opening.CONSOLE, "江南医联体")
        return write(opening.open_institution, opening.CONSOLE, alliance, code, code)

    return make


@pytest.fixture
def scp(on_sqlite, hospital) -> Iterator[Serving]:
    """An acceptor that knows CT1 of JN1, calling from this machine."""
    register(hospital("JN1"))
    with serving() as made:
        yield made
