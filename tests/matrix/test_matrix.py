"""Everybody asks for everything: of the own institution, of others, of none. The declared rule says what happens.

Generated from what the code registers: handlers, routes and pages that are added are asked for by themselves.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.matrix.asking import Asking
from tests.matrix.world import OWNERS, PERSONAS, Persona, uploads
from tests.site import Site, inside


@pytest.fixture(scope="module")
def shared(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(shutil.copytree(filled, tmp_path_factory.mktemp("shared") / "data"))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def installation(persona: Persona, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """A running one; for those who read the log one of their own, for what others asked for stands there."""
    if "audit.read" not in persona.permissions:
        yield request.getfixturevalue("shared")
        return
    made = Site(shutil.copytree(request.getfixturevalue("filled"), tmp_path / "data"))
    made.start()
    yield made
    made.stop()


@pytest.mark.parametrize("persona", PERSONAS, ids=lambda persona: persona.name)
def test_everybody_is_answered_as_declared(
    persona: Persona, installation: Site, record_property: Callable[[str, object], None]
) -> None:
    with inside(installation.data):
        asking = Asking(persona, installation)
        asking.pages()
        asking.routes()
        asking.events()
        asking.sequences()
        asking.watch.close()
        assert all(path.stat().st_size == 0 for whose in OWNERS for path in uploads(whose)[:1])
    record_property("matrix cases", asking.cases)
    assert asking.broken == set()
    assert asking.cases > 200
    assert not asking.wrong, f"{len(asking.wrong)} of {asking.cases} cases:\n" + "\n".join(asking.wrong)
