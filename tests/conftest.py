"""What every test may ask for: a fresh database of either kind, two institutions, people, and images in them."""

import os
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import create_engine, text
from starlette.testclient import TestClient

from mip_app.accounts import opening
from mip_app.accounts.models import Role
from mip_app.accounts.roles import PERMISSIONS
from mip_app.audit import looks
from mip_app.core import blobs as blob_store
from mip_app.core import database
from mip_app.core.actor import Actor
from mip_app.core.settings import settings
from tests import browser as chromium
from tests.site import Site, inside

REPOSITORY = Path(__file__).parents[1]
POSTGRESQL = os.environ.get("MIP_TEST_POSTGRESQL", "postgresql+psycopg://postgres@127.0.0.1:5432")


def shared(*parts: str) -> Path:
    """A file of the reference material that may stand beside the repository; skips aloud without it."""
    root = Path(os.environ.get("MIP_SHARED", REPOSITORY.parent / "shared"))
    path = root.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"reference material is not here: {path}")
    return path


@pytest.fixture(scope="session")
def postgresql() -> str:
    """The address of a PostgreSQL server for tests; skips aloud where none answers."""
    try:
        with create_engine(f"{POSTGRESQL}/postgres", connect_args={"connect_timeout": 2}).connect():
            return POSTGRESQL
    except Exception as error:
        pytest.skip(f"no PostgreSQL answers at {POSTGRESQL.split('@')[-1]} ({type(error).__name__})")


def _use(monkeypatch: pytest.MonkeyPatch, data: Path, url: str) -> None:
    monkeypatch.setenv("MIP_DATA_DIR", str(data))
    monkeypatch.setenv("MIP_DATABASE_URL", url)
    for cached in (settings, database.engine, blob_store.blobs):
        cached.cache_clear()
    looks.forget_all()  # another installation's


def _migrated() -> None:
    from mip_app.serving.migration import migrate

    migrate()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template")
    with pytest.MonkeyPatch.context() as patch:
        _use(patch, folder, "")
        _migrated()
        database.engine().dispose()
    return folder / "mip.sqlite3"


@pytest.fixture(scope="session")
def postgresql_template(postgresql: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    name = f"mip_template_{uuid.uuid4().hex[:12]}"
    _administer(postgresql, f'CREATE DATABASE "{name}"')
    with pytest.MonkeyPatch.context() as patch:
        _use(patch, tmp_path_factory.mktemp("pg"), f"{postgresql}/{name}")
        _migrated()
        database.engine().dispose()
    yield name
    _administer(postgresql, f'DROP DATABASE "{name}" WITH (FORCE)')


def _administer(server: str, statement: str) -> None:
    with create_engine(f"{server}/postgres", isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(statement))


@pytest.fixture(params=["sqlite", "postgresql"])
def db(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """A fresh database of this version's tables, and an empty data folder; gives its kind."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "mip.sqlite3")
        yield from _on_sqlite(monkeypatch, tmp_path)
    else:
        template = request.getfixturevalue("postgresql_template")
        yield from _on_postgresql(request, monkeypatch, tmp_path, f' TEMPLATE "{template}"')


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_db(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[str]:
    """A database without any table, for migrations; gives its kind."""
    if request.param == "sqlite":
        yield from _on_sqlite(monkeypatch, tmp_path)
    else:
        yield from _on_postgresql(request, monkeypatch, tmp_path)


def _on_sqlite(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[str]:
    _use(monkeypatch, folder, "")
    yield "sqlite"
    _leave()


def _on_postgresql(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, folder: Path, template: str = ""
) -> Iterator[str]:
    server = request.getfixturevalue("postgresql")
    name = f"mip_test_{uuid.uuid4().hex[:12]}"
    _administer(server, f'CREATE DATABASE "{name}"{template}')
    _use(monkeypatch, folder, f"{server}/{name}")
    yield "postgresql"
    _leave()
    _administer(server, f'DROP DATABASE "{name}" WITH (FORCE)')


def _leave() -> None:
    for engine in (database.engine(), database.engine(read_only=True)):
        engine.dispose()
    for cached in (settings, database.engine, blob_store.blobs):
        cached.cache_clear()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One in a process: Playwright cannot be begun twice."""
    path = chromium.find()
    if path is None:
        pytest.skip("no Chromium here: python -m tests.browser finds or installs one")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=chromium.FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def jn1(db: str) -> int:
    alliance = database.write(opening.open_alliance, opening.CONSOLE, "江南医联体")
    return database.write(opening.open_institution, opening.CONSOLE, alliance, "JN1", "江南市第一人民医院")


@pytest.fixture
def qh2(db: str) -> int:
    alliance = database.write(opening.open_alliance, opening.CONSOLE, "江南医联体")
    return database.write(opening.open_institution, opening.CONSOLE, alliance, "QH2", "清河县人民医院")


@pytest.fixture
def actor(jn1: int) -> Callable[..., Actor]:
    """A person with an account: `actor(Role.REPORTER, name="林望舒", institution=qh2)`."""

    def make(role: Role, name: str = "", institution: int | None = None) -> Actor:
        where = institution or jn1
        account = f"{role}-{uuid.uuid4().hex[:6]}"
        user = database.write(
            opening.open_account,
            opening.CONSOLE,
            account,
            name or account,
            "a long password",
            role,
            institution_id=where,
        )
        return Actor(user, name or account, where, PERMISSIONS[role])

    return make


@dataclass(frozen=True)
class OnDisk:
    """A file as something to take in."""

    path: Path
    error: str = ""

    @property
    def name(self) -> str:
        return self.path.name

    def open(self):
        return self.path.open("rb")


@pytest.fixture
def ingest(actor: Callable[..., Actor]) -> Callable[..., list]:
    """Take files in for an actor (a technician of JN1 by default); gives the outcomes."""
    from mip_app.ingest.service import take_in

    def run(paths: Iterable[Path], by: Actor | None = None) -> list:
        return list(take_in(by or actor(Role.TECHNICIAN), [OnDisk(Path(path)) for path in paths]))

    return run


@pytest.fixture
def api(db: str, jn1: int) -> TestClient:
    """The HTTP routes behind the guard, as a gateway of JN1 with its key reaches them."""
    from mip_app.core.http import Guard
    from mip_app.dicomweb.storing_shortcut import StoringShortcut
    from mip_app.mip_app import http_api, identity

    key = database.write(opening.create_api_key, opening.CONSOLE, jn1, "gateway")
    client = TestClient(Guard(http_api(), identity.find, None, [StoringShortcut(identity.lately)]))
    client.headers.update({"Authorization": f"Bearer {key}"})
    return client


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A running installation with people in it; shared by the tests of one process, so leave it usable."""
    made = Site(tmp_path_factory.mktemp("site"))
    with inside(made.data):
        made.open_up()
    made.start()
    yield made
    made.stop()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many cases the generated tests tried."""
    tried: dict[str, int] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if getattr(report, "when", "") == "call" and name.endswith(" cases"):
                    tried[name] = tried.get(name, 0) + value
    for name, number in tried.items():
        terminalreporter.write_line(f"{name}: {number:,}")
