"""People who sign in, against real databases and against a server that sees many addresses."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from mip_app.accounts import opening
from mip_app.accounts.models import Role
from mip_app.core import database
from tests.site import Site, inside


@pytest.fixture
def lin(jn1: int) -> int:
    """A reporting doctor with the account `lin`."""
    return database.write(
        opening.open_account,
        opening.CONSOLE,
        "lin",
        "林望舒",
        "correct horse",
        Role.REPORTER,
        institution_id=jn1,
    )


@pytest.fixture(scope="module")
def behind_proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An installation behind one proxy: a request's address is what X-Forwarded-For says."""
    made = Site(tmp_path_factory.mktemp("proxied"))
    with inside(made.data):
        made.open_up()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIP_TRUSTED_PROXIES", "1")
        made.start()
    yield made
    made.stop()


@pytest.fixture
def from_address(behind_proxy: Site) -> Iterator[Callable[[str], httpx.Client]]:
    """`from_address("203.0.113.7")`: a fresh browser there."""
    opened: list[httpx.Client] = []

    def make(address: str, agent: str = "Mozilla/5.0 (Windows NT 10.0) Chrome/130.0") -> httpx.Client:
        headers = {"Origin": behind_proxy.url, "X-Forwarded-For": address, "User-Agent": agent}
        opened.append(httpx.Client(base_url=behind_proxy.url, headers=headers, timeout=30))
        return opened[-1]

    yield make
    for client in opened:
        client.close()
