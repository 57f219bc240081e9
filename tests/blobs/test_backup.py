"""What docs/operations.md says about backup and restore, done as it is written there."""

import contextlib
import shlex
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import text
from sqlmodel import Session, select

from mip_app.audit import heads
from mip_app.cli import mip
from mip_app.core import database
from mip_app.core.blobs import blobs
from mip_app.core.errors import Conflict
from mip_app.core.settings import settings
from mip_app.studies import door
from mip_app.studies.models import Instance, Study
from tests.audit.conftest import seal
from tests.ingest.made import series

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"


def run(*arguments: object) -> tuple[int, str]:
    answer = CliRunner().invoke(mip, [str(word) for word in arguments], standalone_mode=False)
    if answer.exception and not isinstance(answer.exception, SystemExit):
        raise answer.exception
    return answer.exit_code, answer.stdout


def stored(model=Instance) -> list:
    with Session(database.engine()) as session:
        return list(session.exec(door.marked(select(model))))


def lose_everything(db: str) -> None:
    """The machine is gone, all but the master key."""
    for engine in (database.engine(), database.engine(read_only=True)):
        engine.dispose()
    data = settings().data_dir
    if db == "postgresql":
        with database.engine().begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
        database.engine().dispose()
    key = (data / "secret.key").read_bytes()
    shutil.rmtree(data)
    data.mkdir()
    (data / "secret.key").write_bytes(key)
    for cached in (database.engine, blobs):
        cached.cache_clear()


def check_all_is_back(images: dict[str, bytes]) -> None:
    assert {row.sop_instance_uid: blobs().get(row.blob) for row in stored()} == images
    code, said = run("doctor", "--bytes")
    assert (code, said.splitlines()[-1]) == (0, "whole")
    assert run("audit", "verify")[0] == 0


@pytest.fixture
def kept(jn1, ingest, tmp_path_factory) -> dict[str, bytes]:
    """An installation with images and a sealed log; gives what it holds."""
    ingest(series(tmp_path_factory.mktemp("sent") / "ct", 3))
    seal()
    blobs().put("1/made/metadata/1-9.json.gz", b"can be made again")
    return {row.sop_instance_uid: blobs().get(row.blob) for row in stored()}


@pytest.fixture
def safe(tmp_path_factory) -> Path:
    """On another disk."""
    return tmp_path_factory.mktemp("safe") / "backup"


def test_all_is_back_after_everything_was_lost(db, kept, safe):
    code, said = run("backup", safe)
    heads_there = len(list(heads.scopes()))
    assert code == 0 and f"{3 + heads_there} files copied, 0 there already" in said
    lose_everything(db)
    assert run("restore", safe)[0] == 0
    check_all_is_back(kept)
    assert not list(blobs().keys("1/made/"))


@pytest.mark.parametrize("db", ["postgresql"], indirect=True)
def test_postgresql_with_s3_goes_back_into_another_bucket(db, on_s3, kept, safe):
    assert run("backup", safe)[0] == 0
    lose_everything(db)
    on_s3()
    assert run("restore", safe)[0] == 0
    check_all_is_back(kept)


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_the_second_backup_copies_what_is_new(db, kept, safe, ingest, tmp_path):
    run("backup", safe)
    ingest(series(tmp_path / "later", 2, study=2))
    _, said = run("backup", safe)
    heads_there = len(list(heads.scopes()))
    assert f"{2 + heads_there} files copied, 3 there already" in said
    lose_everything(db)
    run("restore", safe)
    assert len(stored()) == 5 and len(stored(Study)) == 2
    assert run("doctor")[0] == 0


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_an_installation_is_never_written_over(db, kept, safe):
    run("backup", safe)
    with pytest.raises(Conflict):
        run("restore", safe)
    assert len(stored()) == 3


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_an_older_database_beside_the_files_of_today(db, kept, safe, ingest, tmp_path):
    """The database's disk is lost, the files are not: what came after the backup is taken in again."""
    run("backup", safe)
    ingest(series(tmp_path / "later", 2, study=2))
    seal()
    for engine in (database.engine(), database.engine(read_only=True)):
        engine.dispose()
    for path in settings().data_dir.glob("mip.sqlite3*"):
        path.unlink()
    shutil.copy(safe / "mip.sqlite3", settings().data_dir)
    code, said = run("audit", "verify", "--json")
    assert code == 1 and "tail_cut" in said
    for scope in heads.scopes():
        run("audit", "accept-restore", "--scope", scope, "--reason", "disk of the database lost")
    assert run("audit", "verify")[0] == 0
    assert run("doctor", "--take-in")[0] == 0
    assert len(stored()) == 5
    assert run("doctor", "--repair", "--bytes")[0] == 0


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_the_same_by_hand(db, kept, safe):
    """The commands of the document, for those who have tools of their own."""
    data = settings().data_dir
    safe.mkdir(parents=True)
    with contextlib.closing(sqlite3.connect(data / "mip.sqlite3")) as connection:
        connection.execute(f"VACUUM INTO '{safe / 'mip.sqlite3'}'")
    copy = shlex.split(next(line for line in documented() if line.startswith("rsync ")))
    if not shutil.which("rsync"):
        pytest.skip("rsync is not installed")
    subprocess.run([*copy[:-2], f"{data}/blobs", safe], check=True)
    lose_everything(db)
    shutil.copy(safe / "mip.sqlite3", data)
    shutil.copytree(safe / "blobs", data / "blobs")
    run("doctor", "--repair")
    check_all_is_back(kept)


def documented() -> list[str]:
    """The commands of the chapter on backup, without what is said about them."""
    chapter = OPERATIONS.read_text("utf-8").split("## Backup and restore")[1].split("\n## ")[0]
    blocks = chapter.split("```sh\n")[1:]
    lines = [line for block in blocks for line in block.split("```")[0].splitlines()]
    return [line.split(" #")[0].strip() for line in lines]


def test_the_commands_of_the_document_are_those_that_are_there():
    named = [shlex.split(line)[1:] for line in documented() if line.startswith("mip ")]
    assert {words[0] for words in named} == {"audit", "backup", "restore", "doctor", "run"}
    for words in named:
        answer = CliRunner().invoke(mip, [*(word for word in words if not word.startswith("/")), "--help"])
        assert answer.exit_code == 0, words
