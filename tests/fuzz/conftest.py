from collections.abc import Iterator

import pytest

from tests.site import Site, inside


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An installation that nobody else's requests reach."""
    made = Site(tmp_path_factory.mktemp("house"))
    with inside(made.data):
        made.open_up()
    made.start()
    yield made
    made.stop()
