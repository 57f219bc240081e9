"""Three institutions in two alliances, to be copied for each test that wants an installation of its own."""

from pathlib import Path

import pytest

from tests.matrix import world
from tests.site import inside


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of the three institutions."""
    from mip_app.serving.migration import migrate

    data = tmp_path_factory.mktemp("matrix")
    with inside(data):
        migrate()
        world.fill()
    return data
