"""Nodes of the tests are on this machine, which is refused otherwise."""

import pytest

from mip_app.core.settings import settings


@pytest.fixture
def local_nodes(monkeypatch: pytest.MonkeyPatch, db: str) -> None:
    monkeypatch.setenv("MIP_DIMSE_LOCAL_NODES", "true")
    settings.cache_clear()
