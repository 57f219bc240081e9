"""What the tests of data maintenance ask for: administrators, and a patient in conflict."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import inspect
from sqlmodel import Session, select

from mip_app.accounts.models import Role
from mip_app.core.actor import Actor
from mip_app.core.blobs import blobs
from mip_app.core.database import engine
from mip_app.studies import door
from mip_app.studies.models import Instance
from tests.ingest.made import image


@pytest.fixture
def guanli(actor: Callable[..., Actor]) -> Actor:
    return actor(Role.INSTITUTION_ADMIN, "管理")


@pytest.fixture
def store(ingest: Callable[..., list], tmp_path: Path) -> Callable[..., list[str]]:
    """Take files in, each given as bytes; what became of them."""

    def run(*files: bytes) -> list[str]:
        for place, data in enumerate(files):
            (tmp_path / f"in-{place}").write_bytes(data)
        return [o.code for o in ingest([tmp_path / f"in-{place}" for place in range(len(files))])]

    return run


@pytest.fixture
def two(store: Callable[..., list[str]]) -> tuple[bytes, bytes]:
    """P1 is 张三 in study 1, 李四 in study 2."""
    files = image(1, 1, name="ZHANG^SAN=张^三"), image(1, 2, name="LI^SI=李^四")
    assert store(*files) == ["ingest.stored"] * 2
    return files


def rows(model: type) -> list:
    with Session(engine()) as session:
        return list(session.exec(door.marked(select(model).order_by(*inspect(model).primary_key))))


def stored_bytes() -> list[bytes]:
    return [blobs().path(row.blob).read_bytes() for row in rows(Instance)]
