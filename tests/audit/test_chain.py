"""What was written into the log stays provable: every change by SQL is found, and named."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, col, func, select

from mip_app.audit import service
from mip_app.audit.models import Act, AuditEntry, AuditSeal
from mip_app.audit.sealer import Sealer
from mip_app.audit.verifying import Break, verify
from mip_app.core import database
from mip_app.core.actor import Actor
from mip_app.core.blobs import blobs
from tests.audit.conftest import acted, proof, seal
from tests.conftest import REPOSITORY


def ids(actor: Actor) -> list[int]:
    with Session(database.engine()) as session:
        scope = service.scope_of(actor)
        return list(
            session.exec(
                select(AuditSeal.entry_id).where(AuditSeal.scope == scope).order_by(col(AuditSeal.number))
            )
        )


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("at", "'2020-01-01 00:00:00.000000'"),
        ("scope", "'p'"),
        ("institution_id", "NULL"),
        ("user_id", "4711"),
        ("actor", "'somebody else'"),
        ("address", "'10.0.0.1'"),
        ("act", "'report.viewed'"),
        ("subject", "'study:9.9'"),
        ("result", "'refused'"),
        ("detail", "'{}'"),
        ("mark", "'0000'"),
    ],
)
def test_a_change_of_any_column_is_found_at_its_entry(sealed, by_sql, column, value):
    tenth = ids(sealed)[9]
    by_sql(f"UPDATE auditentry SET {column} = {value} WHERE id = {tenth}")
    found = proof(sealed)
    assert (found.broken, found.number, found.entry_id) == (Break.CHANGED, 10, tenth)
    assert found.entries == 9


def test_a_deleted_entry_is_named(sealed, by_sql):
    tenth = ids(sealed)[9]
    by_sql(f"DELETE FROM auditentry WHERE id = {tenth}")
    found = proof(sealed)
    assert (found.broken, found.number, found.entry_id) == (Break.DELETED, 10, tenth)


@pytest.mark.parametrize("also_the_entry", [False, True])
@pytest.mark.parametrize("sealed_again", [False, True])
def test_a_deleted_seal_is_found(sealed, by_sql, also_the_entry, sealed_again):
    tenth = ids(sealed)[9]
    by_sql(f"DELETE FROM auditseal WHERE entry_id = {tenth}")
    if also_the_entry:
        by_sql(f"DELETE FROM auditentry WHERE id = {tenth}")
    if sealed_again:
        seal()
    found = proof(sealed)
    assert (found.broken, found.number) == (Break.SEAL_MISSING, 10)


def test_a_changed_link_is_found(sealed, by_sql):
    by_sql(f"UPDATE auditseal SET link = 'x' WHERE entry_id = {ids(sealed)[9]}")
    assert (proof(sealed).broken, proof(sealed).number) == (Break.REORDERED, 10)


def test_two_seals_swapped_are_found(sealed, by_sql):
    ninth, tenth = ids(sealed)[8:10]
    by_sql(
        f"UPDATE auditseal SET entry_id = -1 WHERE entry_id = {ninth}",
        f"UPDATE auditseal SET entry_id = {ninth} WHERE entry_id = {tenth}",
        f"UPDATE auditseal SET entry_id = {tenth} WHERE entry_id = -1",
    )
    found = proof(sealed)
    assert (found.broken, found.number, found.entry_id) == (Break.REORDERED, 9, tenth)


def test_two_entries_swapped_are_found(sealed, by_sql):
    ninth, tenth = ids(sealed)[8:10]
    by_sql(
        f"UPDATE auditentry SET id = -1 WHERE id = {ninth}",
        f"UPDATE auditentry SET id = {ninth} WHERE id = {tenth}",
        f"UPDATE auditentry SET id = {tenth} WHERE id = -1",
    )
    found = proof(sealed)
    assert (found.broken, found.number, found.entry_id) == (Break.REORDERED, 9, ninth)


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_a_tail_that_was_cut_off_is_missed_and_stays_missed(sealed, by_sql, cut):
    tail = ", ".join(str(entry) for entry in ids(sealed)[-cut:])
    by_sql(
        f"DELETE FROM auditseal WHERE entry_id IN ({tail})", f"DELETE FROM auditentry WHERE id IN ({tail})"
    )
    found = proof(sealed)
    assert (found.broken, found.number) == (Break.TAIL_CUT, 21 - cut)
    acted(sealed, cut + 10)  # life goes on, and the chain grows past the place
    seal()
    found = proof(sealed)
    assert (found.broken, found.number) == (Break.REWRITTEN, 20)


def test_an_entry_put_in_by_hand_is_found_before_and_after_it_is_sealed(sealed, by_sql):
    columns = "at, scope, institution_id, user_id, actor, address, act, subject, result, detail"
    tenth = ids(sealed)[9]
    by_sql(
        f"INSERT INTO auditentry ({columns}, mark) SELECT {columns}, '{'0' * 40}' FROM auditentry WHERE id = {tenth}"
    )
    with Session(database.engine()) as session:
        forged = session.exec(select(func.max(AuditEntry.id))).one()
    assert (proof(sealed).broken, proof(sealed).entry_id) == (Break.FORGED, forged)
    seal()
    assert (proof(sealed).broken, proof(sealed).entry_id) == (Break.FORGED, forged)


def test_a_copy_of_a_true_entry_is_found(sealed, by_sql):
    columns = "at, scope, institution_id, user_id, actor, address, act, subject, result, detail, mark"
    by_sql(f"INSERT INTO auditentry ({columns}) SELECT {columns} FROM auditentry WHERE id = {ids(sealed)[9]}")
    seal()
    assert proof(sealed).broken == Break.FORGED


def test_the_head_outside_of_the_database_is_guarded_too(sealed):
    path = next(blobs().path("audit").glob("head-i-*.json"))
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b'"number": 20', b'"number": 19'))
    assert proof(sealed).broken == Break.HEAD_FORGED
    path.unlink()
    assert proof(sealed).broken == Break.HEAD_MISSING
    path.write_bytes(whole)
    assert proof(sealed).whole


def test_another_installation_proves_nothing(sealed, monkeypatch):
    from mip_app.core.settings import settings

    monkeypatch.setenv("MIP_SECRET_KEY", "another key")
    settings.cache_clear()
    assert not proof(sealed).whole


def test_the_database_itself_refuses_changes(sealed):
    for statement in (
        "UPDATE auditentry SET actor = 'x'",
        "DELETE FROM auditentry",
        "UPDATE auditseal SET link = 'x'",
        "DELETE FROM auditseal",
    ):
        with pytest.raises(DBAPIError, match="never changed"), database.engine().begin() as connection:
            connection.execute(text(statement))
    assert proof(sealed).whole


def test_each_scope_has_a_chain_of_its_own(sealed, qh2):
    other = Actor(None, "清河", qh2, frozenset())
    alliance = Actor(None, "联盟", None, frozenset(), alliance_id=1)
    for actor in (other, alliance):
        acted(actor, 3)
    acted(sealed, 1)
    seal()
    reader = database.engine(read_only=True)
    assert [verify(reader, service.scope_of(a)).entries for a in (sealed, other, alliance)] == [21, 3, 3]


def test_what_is_not_sealed_yet_is_shown(sealed):
    acted(sealed, 7)
    assert (proof(sealed).whole, proof(sealed).entries, proof(sealed).unsealed) == (True, 20, 7)


def test_writers_and_sealers_at_the_same_time_leave_one_whole_chain(auditor):
    """Several processes' worth of both; on PostgreSQL ids become visible out of their order."""
    sealers = [Sealer(database.engine(), database.engine(read_only=True)) for _ in range(3)]
    with ThreadPoolExecutor(8) as pool:
        writing = [pool.submit(acted, auditor, 3) for _ in range(60)]
        while not all(done.done() for done in writing):
            for done in [pool.submit(sealer.look) for sealer in sealers]:
                done.result()
    for done in writing:
        done.result()
    sealers[0].look()
    found = proof(auditor)
    assert (found.whole, found.entries, found.unsealed) == (True, 180, 0)


def test_an_entry_that_becomes_visible_late_is_sealed_by_the_same_sealer(db, auditor):
    """Its number was given before those of entries that were sealed long ago."""
    if db != "postgresql":
        pytest.skip("one writer at a time: ids become visible in their order")
    sealer = Sealer(database.engine(), database.engine(read_only=True))
    with Session(database.engine()) as late:
        service.record(late, auditor, Act.STUDY_VIEWED, "study:late")
        late.flush()
        for _ in range(3):
            acted(auditor, 5)
            sealer.look()
        late.commit()
    sealer.look()
    found = proof(auditor)
    assert (found.whole, found.entries, found.unsealed) == (True, 16, 0)


SEAL_FOR_EVER = """
from mip_app.audit.sealer import Sealer
from mip_app.core.database import engine
sealer = Sealer(engine(), engine(read_only=True))
while True:
    if sealer.look():
        print("sealed", flush=True)
"""


def test_kill_9_while_sealing_leaves_a_whole_chain(auditor):
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", SEAL_FOR_EVER], cwd=REPOSITORY, env=os.environ, stdout=subprocess.PIPE
        )
        assert process.stdout
        for _ in range(4):
            acted(auditor, 150)
            process.stdout.readline()  # it is at work
        acted(auditor, 150)
        process.kill()
        process.wait()
        assert proof(auditor).whole
    seal()
    found = proof(auditor)
    assert (found.whole, found.entries, found.unsealed) == (True, 2250, 0)


def verified(*more: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "mip_app.cli", "audit", "verify", *more],
        cwd=REPOSITORY,
        env=os.environ,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_the_command_names_the_first_broken_entry_and_says_it_by_its_exit(sealed, by_sql):
    code, said = verified("--institution", "JN1")
    assert code == 0 and "20 entries proven" in said and "whole" in said
    seal()
    tenth = ids(sealed)[9]
    by_sql(f"UPDATE auditentry SET actor = 'x' WHERE id = {tenth}")
    code, said = verified()
    assert code == 1 and f"number 10, entry {tenth}" in said
    code, said = verified("--json", "--scope", service.scope_of(sealed))
    assert code == 1 and json.loads(said)["entry_id"] == tenth


def test_after_a_restore_the_loss_is_accepted_and_stays_on_record(sealed, by_sql):
    tail = ", ".join(str(entry) for entry in ids(sealed)[-5:])
    by_sql(
        f"DELETE FROM auditseal WHERE entry_id IN ({tail})", f"DELETE FROM auditentry WHERE id IN ({tail})"
    )
    assert proof(sealed).broken == Break.TAIL_CUT
    command = ["audit", "accept-restore", "--institution", "JN1", "--reason", "disk of 24 November"]
    subprocess.run(
        [sys.executable, "-m", "mip_app.cli", *command], cwd=REPOSITORY, env=os.environ, check=True
    )
    seal()
    found = proof(sealed)
    assert found.whole and found.entries == 16  # fifteen, and the entry of the acceptance
    assert found.accepted[0].startswith("16-20 ")
