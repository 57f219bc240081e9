"""A copy of all that cannot be made again, and bringing it back.

The database first, the files second: files are only ever added, so that each row of the copy has its file. Heads of the
audit chains change; they are copied again each time. What is made from images is left out: besides being easy to make
again, its names say a row's number, which after a restore may be another's.
"""

import contextlib
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import inspect
from sqlalchemy.engine import URL, make_url

from mip_app.core.blobs import Folder, Store, blobs
from mip_app.core.database import engine
from mip_app.core.errors import Conflict, Invalid, MipError
from mip_app.core.settings import settings

SQLITE, POSTGRESQL, FILES = "mip.sqlite3", "mip.pgdump", "blobs"
DERIVED = "/made/"
CHANGING = "audit/"  # everything else has the same bytes under the same key for ever

Progress = Callable[[int], None]


def back_up(folder: Path, progress: Progress = lambda _done: None) -> tuple[int, int]:
    """Files copied, and files that an earlier backup in the same folder had already."""
    folder.mkdir(parents=True, exist_ok=True)
    url = _server()
    if url.get_backend_name() == "sqlite":
        _copy_sqlite(Path(url.database or ""), folder / SQLITE)
    else:
        _run("pg_dump", "--format=custom", f"--file={folder / (POSTGRESQL + '.part')}", _libpq())
        os.replace(folder / f"{POSTGRESQL}.part", folder / POSTGRESQL)
    return _copy_files(blobs(), Folder(folder / FILES), progress)


def bring_back(folder: Path, progress: Progress = lambda _done: None) -> int:
    """Files first, so that no row is ever without. Raises Conflict where there is an installation already."""
    url = _server()
    sqlite = url.get_backend_name() == "sqlite"
    kept = folder / (SQLITE if sqlite else POSTGRESQL)
    if not kept.is_file():
        raise Invalid("backup.none", name=kept.name)
    target = Path(url.database or "")
    if target.exists() if sqlite else inspect(engine()).get_table_names():
        raise Conflict("backup.installation_there")
    copied, there = _copy_files(Folder(folder / FILES), blobs(), progress)
    if sqlite:
        target.parent.mkdir(parents=True, exist_ok=True)
        _copy_sqlite(kept, target)
    else:
        _run(
            "pg_restore",
            "--no-owner",
            "--exit-on-error",
            "--single-transaction",
            f"--dbname={_libpq()}",
            str(kept),
        )
    return copied + there


def _copy_sqlite(source: Path, target: Path) -> None:
    """While others write: one moment of the database, whole (sqlite.org/backup.html)."""
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    with (
        contextlib.closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as of,
        contextlib.closing(sqlite3.connect(part)) as to,
    ):
        of.backup(to)
        to.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
    os.replace(part, target)


def _copy_files(source: Store, target: Store, progress: Progress) -> tuple[int, int]:
    copied = there = 0
    for number, (key, size) in enumerate(source.keys(), 1):
        progress(number)
        if DERIVED in key:
            continue
        if not key.startswith(CHANGING) and (found := target.stat(key)) and found.size == size:
            there += 1
            continue
        _copy(source, target, key, size)
        copied += 1
    return copied, there


def _copy(source: Store, target: Store, key: str, size: int) -> None:
    with source.local(key) as path, path.open("rb") as stream:
        target.keep(target.receive(stream, size), key)


def _libpq() -> str:
    """The address of the database as PostgreSQL's own programs take it."""
    return _server().set(drivername="postgresql", password=None).render_as_string()


def _server() -> URL:
    return make_url(settings().database)


def _run(program: str, *arguments: str) -> None:
    if shutil.which(program) is None:
        raise MipError("backup.no_program", program=program)
    password = (
        {"PGPASSWORD": str(_server().password)} if _server().password else {}
    )  # for nobody to see in `ps`
    done = subprocess.run([program, *arguments], stdin=subprocess.DEVNULL, env={**os.environ, **password})
    if done.returncode:
        raise MipError("backup.failed", program=program)
