"""Whether what the database says is stored is stored, and nothing else; and mending what can be mended.

An image whose file is gone or damaged is named and stays in the database: only people can bring it back, from a backup
or from whoever sent it. Rows are read before files are listed, and a file is kept before its row is committed: what
arrives meanwhile is young, and is left alone.
"""

import gzip
import hashlib
import json
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from mip_app.accounts.opening import CONSOLE
from mip_app.core.blobs import CHUNK, Store, blobs
from mip_app.core.database import engine, read, write
from mip_app.core.errors import NotVisible
from mip_app.core.settings import settings
from mip_app.keeping import rows
from mip_app.keeping.findings import Finding, Kind
from mip_app.keeping.rows import Held
from mip_app.keeping.workbench import Workbench
from mip_app.maintenance import erasing

Newest = dict[Callable[..., list[Held]], int]  # the last row that was read, of each table
YOUNG = 3600  # seconds: a file without a row may be on its way


@dataclass
class Checkup:
    """`whole_files`: read every byte and compare its SHA-256. `take_in` gets the keys of files without a row."""

    repair: bool = False
    whole_files: bool = False
    take_in: Callable[[str], bool] | None = None
    progress: Callable[[str, int], None] = lambda _what, _done: None
    store: Store = field(default_factory=blobs)
    totals: tuple[int, int, int] = (0, 0, 0)
    removed: int = 0
    dropped: int = 0

    def findings(self) -> Iterator[Finding]:
        """Each as it is found, and repaired where that was asked for and can be."""
        if self.repair:
            erasing.remove(engine())
        began = time.time()
        with Workbench(settings().data_dir) as bench:
            newest = self._lay_out(bench)
            self.totals = bench.totals()
            yield from self._lost(bench)
            yield from self._orphans(bench, began - YOUNG, newest)
            yield from self._derived(bench)
        yield from self._counts()
        if self.removed or self.dropped:
            write(rows.repaired, CONSOLE, self.removed, self.dropped)

    def _lay_out(self, bench: Workbench) -> Newest:
        newest: Newest = {rows.images: 0, rows.set_aside: 0}
        self._read_on(bench, newest)
        last = ""  # after the rows: what is deleted meanwhile is here or there
        while leaving := read(rows.leaving, CONSOLE, last):
            bench.leave(leaving)
            last = leaving[-1]
        bench.keep(self._counted("files", self.store.keys()))
        bench.sort()
        return newest

    def _read_on(self, bench: Workbench, newest: Newest) -> None:
        for table in newest:
            while page := read(table, CONSOLE, newest[table]):
                bench.hold(page)
                newest[table] = page[-1].id
                self.progress("rows", newest[table])

    def _counted(self, what: str, files: Iterable[tuple[str, int]]) -> Iterator[tuple[str, int]]:
        for number, file in enumerate(files, 1):
            if not number % 1000:
                self.progress(what, number)
            yield file

    def _lost(self, bench: Workbench) -> Iterator[Finding]:
        for some in bench.without_file():
            for held in read(rows.still_held, CONSOLE, some):
                yield Finding(Kind.MISSING, held.uid, held.blob)
        for held, size in bench.of_other_size():
            yield Finding(Kind.DAMAGED, held.uid, f"{held.blob}: {size:,} bytes instead of {held.size:,}")
        if self.whole_files:
            for number, held in enumerate(bench.all(), 1):
                self.progress("files read", number)
                if self._differs(held):
                    yield Finding(Kind.DAMAGED, held.uid, f"{held.blob}: other bytes")

    def _differs(self, held: Held) -> bool:
        """Where the size tells already it is not said twice."""
        sha256, size = hashlib.sha256(), 0
        try:
            with self.store.local(held.blob) as path, path.open("rb") as source:
                while chunk := source.read(CHUNK):
                    sha256.update(chunk)
                    size += len(chunk)
        except NotVisible:
            return False
        return sha256.hexdigest() != held.sha256 and held.size in (size, -1)

    def _orphans(self, bench: Workbench, before: float, newest: Newest) -> Iterator[Finding]:
        for key in bench.without_row():
            file = self.store.stat(key)
            if file is None:
                continue  # refused meanwhile, and removed
            if self.take_in and self.take_in(key):
                yield Finding(Kind.ORPHAN, key, "taken in", repaired=True)
            elif file.kept_at > before:
                yield Finding(Kind.ARRIVING, key)
            elif not self.repair or self.take_in:
                yield Finding(Kind.ORPHAN, key)
            elif not self._came_meanwhile(bench, key, newest) and self.store.stat(key) == file:
                self.store.remove(key)
                self.removed += 1
                yield Finding(Kind.ORPHAN, key, "removed", repaired=True)

    def _came_meanwhile(self, bench: Workbench, key: str, newest: Newest) -> bool:
        """Whether a row that was not there when this began has the file: then it was sent again just now."""
        self._read_on(bench, newest)
        return bench.has(key)

    def _derived(self, bench: Workbench) -> Iterator[Finding]:
        """Thumbnails and metadata documents: what is dropped is made again when somebody asks for it."""
        for key, size, of_an_image in bench.thumbnails():
            yield from self._made(key, size, of_an_image, _is_picture)
        for page in bench.documents():
            known = read(rows.documents, CONSOLE, [series for key, _ in page if (series := _series(key))])
            for key, size in page:
                yield from self._made(key, size, key in known, _is_document)

    def _made(self, key: str, size: int, wanted: bool, good: Callable[[bytes], bool]) -> Iterator[Finding]:
        found = None if wanted else Finding(Kind.OUTDATED, key)
        if wanted and (not size or self.whole_files and not good(self.store.get(key) or b"")):
            found = Finding(Kind.DERIVED, key, "cannot be used")
        if found and self.repair:
            self.store.remove(key)
            self.dropped += 1
            found = replace(found, detail="dropped", repaired=True)
        if found:
            yield found

    def _counts(self) -> Iterator[Finding]:
        wrong, last = read(rows.counts, CONSOLE, 0)
        while last:
            for study in wrong:
                if self.repair:
                    write(rows.recount, CONSOLE, study.id)
                said = "{} series with {} images instead of {} with {}".format(*study.says, *study.has)
                yield Finding(Kind.COUNT, study.uid, said, repaired=self.repair)
            wrong, last = read(rows.counts, CONSOLE, last)


def _series(key: str) -> int:
    """The key of the series whose metadata document this may be; 0: of none."""
    begins = key.rpartition("/")[2].partition("-")[0]
    return int(begins) if re.fullmatch("[0-9]{1,18}", begins) else 0


def _is_document(data: bytes) -> bool:
    try:
        return isinstance(json.loads(gzip.decompress(data)), list)
    except (ValueError, EOFError, OSError):
        return False


def _is_picture(data: bytes) -> bool:
    return data.startswith(b"\xff\xd8") and data.endswith(b"\xff\xd9")
