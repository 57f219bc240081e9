"""A whole installation for tests: its own data, its own server process, people with a known password."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import pytest
from sqlmodel import Session, select

from mip_app.accounts import opening
from mip_app.accounts.models import Membership, Role, User
from mip_app.accounts.roles import PERMISSIONS
from mip_app.core import blobs as blob_store
from mip_app.core import database
from mip_app.core.actor import Actor
from mip_app.core.settings import settings
from mip_app.ingest.service import take_in

REPOSITORY = Path(__file__).parents[1]
PASSWORD = "correct horse battery"
PEOPLE = {
    "linwangshu": ("林望舒", Role.REPORTER, "JN1"),
    "hewei": ("何为", Role.REVIEWER, "JN1"),
    "zhouzhibai": ("周知白", Role.REVIEWER, "JN1"),
    "chensu": ("陈素", Role.CLINICIAN, "JN1"),
    "wuji": ("吴技", Role.TECHNICIAN, "JN1"),
    "shenji": ("沈计", Role.AUDITOR, "JN1"),
    "guanli": ("管理", Role.INSTITUTION_ADMIN, "JN1"),
    "qinghe": ("清河", Role.REVIEWER, "QH2"),
    "lianmeng": ("联盟", Role.ALLIANCE_ADMIN, ""),
    "yunying": ("运营", Role.OPERATOR, ""),
}


@contextlib.contextmanager
def inside(data: Path) -> Iterator[None]:
    """Run services of this process against another installation's data."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIP_DATA_DIR", str(data))
        patch.setenv("MIP_DATABASE_URL", "")
        caches = (settings, database.engine, blob_store.blobs)
        for cached in caches:
            cached.cache_clear()
        try:
            yield
        finally:
            for engine in (database.engine(), database.engine(read_only=True)):
                engine.dispose()
    for cached in caches:
        cached.cache_clear()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Site:
    data: Path
    port: int = field(default_factory=free_port)
    dimse_port: int = 0  # 0: no DIMSE beside it
    process: subprocess.Popen[bytes] | None = None
    keys: dict[str, str] = field(default_factory=dict)
    institutions: dict[str, int] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.data / "server.log"

    def open_up(self) -> None:
        """Two institutions of one alliance, an account for every role, an API key each."""
        from mip_app.serving.migration import migrate

        migrate()
        console = opening.CONSOLE
        alliance = database.write(opening.open_alliance, console, "江南医联体")
        for code, name in (("JN1", "江南市第一人民医院"), ("QH2", "清河县人民医院")):
            key = database.write(opening.open_institution, console, alliance, code, name)
            self.institutions[code] = key
            self.keys[code] = database.write(opening.create_api_key, console, key, "test")
        for account, (name, role, code) in PEOPLE.items():
            where = self.institutions.get(code)
            database.write(
                opening.open_account,
                console,
                account,
                name,
                PASSWORD,
                role,
                institution_id=where,
                alliance_id=alliance if role is Role.ALLIANCE_ADMIN else None,
                title="主治医师",
            )

    def newcomer(self, name: str, **roles: Iterable[Role]) -> str:
        """Somebody of the test's own, whom it may disable: `newcomer("许言", JN1=[Role.REVIEWER])`; the account."""
        account = f"new-{uuid.uuid4().hex[:8]}"
        with inside(self.data):
            codes = list(roles)
            user = database.write(
                opening.open_account,
                opening.CONSOLE,
                account,
                name,
                PASSWORD,
                next(iter(roles[codes[0]])),
                institution_id=self.institutions[codes[0]],
            )
            with Session(database.engine()) as session, session.begin():
                first = session.exec(select(Membership).where(Membership.user_id == user)).one()
                first.roles = list(roles[codes[0]])
                for code in codes[1:]:
                    where = self.institutions[code]
                    session.add(Membership(user_id=user, institution_id=where, roles=list(roles[code])))
        return account

    def person(self, account: str) -> Actor:
        """Somebody of this installation, for services called from here (within `inside`)."""
        with Session(database.engine()) as session:
            user = session.exec(select(User).where(User.account == account)).one()
        name, role, code = PEOPLE[account]
        return Actor(user.id, name, self.institutions.get(code), PERMISSIONS[role])

    def gateway(self, code: str = "JN1") -> Actor:
        return Actor(None, "gateway", self.institutions[code], PERMISSIONS[Role.TECHNICIAN])

    def store(self, sources: list, code: str = "JN1") -> list:
        """Take files in from another process than the server's, as `mip ingest` does."""
        with inside(self.data):
            return list(take_in(self.gateway(code), sources))

    def start(self) -> None:
        environment = {
            **os.environ,
            "MIP_DATA_DIR": str(self.data),
            "MIP_PORT": str(self.port),
            "MIP_DATABASE_URL": "",
            "MIP_HOST": "127.0.0.1",
            "MIP_DIMSE": "true" if self.dimse_port else "false",
            "MIP_DIMSE_PORT": str(self.dimse_port or 11112),
            "MIP_CODES_PER_ADDRESS": "500",  # all browsers of the tests are at one address
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mip_app.cli", "run"],
                cwd=REPOSITORY,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            self.wait_until_serving()
        except BaseException:
            self.stop()  # nobody else would
            raise

    def wait_until_serving(self, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{self.url}/healthz", timeout=2).status_code == 200:
                    return
            if self.process and self.process.poll() is not None:
                break
            time.sleep(0.1)  # the only way to see another process come up
        raise RuntimeError(f"the server did not come up:\n{self.log.read_text()[-2000:]}")

    def workers(self) -> list[psutil.Process]:
        """The processes that serve, without the one that watches over them."""
        assert self.process
        found = psutil.Process(self.process.pid).children()
        others = ("resource_tracker", "mip_app.cli scp")
        return [child for child in found if not any(name in " ".join(child.cmdline()) for name in others)]

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)

    def sign_in(self, account: str) -> httpx.Client:
        """A signed-in HTTP client of that person."""
        client = httpx.Client(base_url=self.url, headers={"Origin": self.url}, timeout=20)
        answer = client.post("/auth/login", data={"account": account, "password": PASSWORD})
        assert answer.status_code == 303, answer.text
        assert answer.headers["location"] in ("/studies", "/admin")
        return client

    def cookie(self, account: str) -> str:
        client = self.sign_in(account)
        return "; ".join(f"{name}={value}" for name, value in client.cookies.items())


def state_name(handler: str) -> str:
    """`Shell.load` as events name it."""
    from reflex_base.registry import RegistrationContext

    for name in RegistrationContext.get().event_handlers:
        if re.sub(r".*\.(\w+___+)", "", name).endswith(handler.lower()):
            return name
    raise LookupError(handler)
