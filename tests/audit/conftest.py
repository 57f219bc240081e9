"""A log with entries in it, sealed, and somebody who may write to the database by SQL."""

from collections.abc import Callable

import pytest
from sqlalchemy import text

from mip_app.audit import service
from mip_app.audit.models import Act
from mip_app.audit.sealer import Sealer
from mip_app.audit.verifying import Verdict, verify
from mip_app.core import database
from mip_app.core.actor import Actor


@pytest.fixture
def auditor(jn1: int) -> Actor:
    return Actor(None, "林望舒", jn1, frozenset(), address="10.2.8.17")


def acted(actor: Actor, times: int, act: Act = Act.STUDY_VIEWED, **more) -> None:
    def several(session, actor: Actor) -> None:
        for n in range(times):
            service.record(session, actor, act, f"study:1.2.{n}", n=n, **more)

    database.write(several, actor)


def seal() -> int:
    return Sealer(database.engine(), database.engine(read_only=True)).look()


def proof(actor: Actor) -> Verdict:
    return verify(database.engine(read_only=True), service.scope_of(actor))


@pytest.fixture
def sealed(auditor: Actor) -> Actor:
    """Twenty entries, proven to be whole."""
    acted(auditor, 20)
    seal()
    assert proof(auditor).whole and proof(auditor).entries == 20
    return auditor


@pytest.fixture
def by_sql(db: str) -> Callable[..., None]:
    """What somebody does who has the database, and takes the fence away first."""

    def do(*statements: str) -> None:
        with database.engine().begin() as connection:
            for table in ("auditentry", "auditseal"):
                if db == "sqlite":
                    for act in ("update", "delete"):
                        connection.execute(text(f"DROP TRIGGER IF EXISTS {table}_no_{act}"))
                else:
                    connection.execute(text(f"DROP TRIGGER IF EXISTS {table}_never_changed ON {table}"))
            for statement in statements:
                connection.execute(text(statement))

    return do
