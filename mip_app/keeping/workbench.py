"""A database of its own in a temporary file, on which rows and files are laid side by side: memory stays flat."""

import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from mip_app.keeping.rows import Held

IMAGE = "[0-9]*/[0-9a-f][0-9a-f]/*.dcm"
METADATA, THUMBNAIL = "[0-9]*/made/metadata/*", "[0-9]*/made/thumbnails/*"
AT_ONCE = 500


class Workbench:
    """Use as a context: the file is gone afterwards."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = tempfile.TemporaryDirectory(prefix="doctor-", dir=folder)
        # Nothing of it has to survive; sorting goes through files.
        self._sql = sqlite3.connect(Path(self._folder.name) / "workbench.sqlite3", isolation_level=None)
        for statement in (
            "PRAGMA journal_mode=OFF",
            "PRAGMA synchronous=OFF",
            "PRAGMA temp_store=FILE",
            "PRAGMA cache_size=-32000",
            "CREATE TABLE held (institution INT, uid TEXT, blob TEXT, size INT, sha256 TEXT)",
            "CREATE TABLE kept (key TEXT, size INT)",
            "CREATE TABLE leaving (key TEXT PRIMARY KEY) WITHOUT ROWID",
        ):
            self._sql.execute(statement)

    def __enter__(self) -> "Workbench":
        return self

    def __exit__(self, *_: object) -> None:
        self._sql.close()
        self._folder.cleanup()

    def hold(self, rows: Iterable[Held]) -> None:
        self._insert("INSERT INTO held VALUES (?, ?, ?, ?, ?)", (row[1:] for row in rows))

    def keep(self, files: Iterable[tuple[str, int]]) -> None:
        self._insert("INSERT INTO kept VALUES (?, ?)", files)

    def leave(self, keys: Iterable[str]) -> None:
        self._insert("INSERT OR IGNORE INTO leaving VALUES (?)", ((key,) for key in keys))

    def _insert(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        self._sql.execute("BEGIN")
        self._sql.executemany(statement, rows)
        self._sql.execute("COMMIT")

    def sort(self) -> None:
        """When all is on it, before anything is asked."""
        self._sql.execute("CREATE INDEX held_by_blob ON held (blob)")
        self._sql.execute("CREATE INDEX kept_by_key ON kept (key)")
        self._sql.execute("CREATE INDEX held_by_content ON held (sha256, institution)")

    def totals(self) -> tuple[int, int, int]:
        """Rows; files of images, their bytes."""
        [rows] = self._sql.execute("SELECT count(*) FROM held").fetchone()
        files, size = self._sql.execute(
            "SELECT count(*), coalesce(sum(size), 0) FROM kept WHERE key GLOB ?", (IMAGE,)
        ).fetchone()
        return rows, files, size

    def all(self) -> Iterator[Held]:
        return self._held("SELECT 0, h.* FROM held h")

    def without_file(self) -> Iterator[list[Held]]:
        """Some at a time."""
        asked = "SELECT 0, h.* FROM held h LEFT JOIN kept k ON k.key = h.blob WHERE k.key IS NULL"
        found = self._sql.execute(asked)
        while some := found.fetchmany(AT_ONCE):
            yield [Held(*row) for row in some]

    def of_other_size(self) -> Iterator[tuple[Held, int]]:
        """With the size of the file."""
        asked = "SELECT h.*, k.size FROM held h JOIN kept k ON k.key = h.blob WHERE h.size >= 0 AND h.size != k.size"
        for *held, size in self._sql.execute(asked):
            yield Held(0, *held), size

    def has(self, blob: str) -> bool:
        return self._sql.execute("SELECT 1 FROM held WHERE blob = ?", (blob,)).fetchone() is not None

    def without_row(self) -> Iterator[str]:
        """But for those that a deletion is removing."""
        asked = """SELECT key FROM kept k LEFT JOIN held h ON h.blob = k.key
            WHERE h.blob IS NULL AND key GLOB ? AND key NOT IN (SELECT key FROM leaving)"""
        for (key,) in self._sql.execute(asked, (IMAGE,)):
            yield key

    def thumbnails(self) -> Iterator[tuple[str, int, bool]]:
        """Key, size, whether there is an image that it is of."""
        # …/<sha256>-128.jpg
        asked = """SELECT key, size, EXISTS (SELECT 1 FROM held WHERE sha256 = substr(key, -72, 64)
            AND institution = CAST(key AS INTEGER)) FROM kept WHERE key GLOB ?"""
        yield from self._sql.execute(asked, (THUMBNAIL,))

    def documents(self) -> Iterator[list[tuple[str, int]]]:
        """Keys and sizes of metadata documents, some at a time."""
        found = self._sql.execute("SELECT key, size FROM kept WHERE key GLOB ?", (METADATA,))
        while some := found.fetchmany(AT_ONCE):
            yield some

    def _held(self, asked: str) -> Iterator[Held]:
        return (Held(*row) for row in self._sql.execute(asked))
