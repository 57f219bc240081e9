"""Request bodies sent with `Content-Encoding: gzip`: unpacked piece by piece, and no further than is allowed."""

import zlib
from typing import Protocol

from mip_app.core.errors import Invalid, TooLarge
from mip_app.core.settings import settings

PIECE = 1024 * 1024
GZIP = 16 + zlib.MAX_WBITS


class BadGzip(Invalid):
    code = "dicomweb.bad_gzip"


class Reader(Protocol):
    def feed(self, block: bytes) -> None: ...
    def finish(self) -> None: ...


class Gunzip:
    """Stands before `reader`. Raises TooLarge for what grows too much, BadGzip for what is none or cut off."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._unpacker = zlib.decompressobj(GZIP)
        self._taken = self._given = 0

    def feed(self, block: bytes) -> None:
        self._taken += len(block)
        try:
            while block:
                if self._unpacker.eof:  # several members one after the other are one file (RFC 1952 2.2)
                    self._unpacker = zlib.decompressobj(GZIP)
                piece = self._unpacker.decompress(block, PIECE)
                block = self._unpacker.unconsumed_tail or self._unpacker.unused_data
                self._give(piece)
        except zlib.error as error:
            raise BadGzip() from error

    def finish(self) -> None:
        while not self._unpacker.eof and (piece := self._unpacker.decompress(b"", PIECE)):
            self._give(piece)
        if not self._unpacker.eof:
            raise BadGzip()
        self._reader.finish()

    def _give(self, piece: bytes) -> None:
        self._given += len(piece)
        allowed = settings()
        if self._given > allowed.max_archive_bytes:
            raise TooLarge()
        grown = self._given > allowed.max_archive_ratio * self._taken
        if grown and self._given > allowed.max_archive_ratio_from:
            raise TooLarge("dicomweb.gzip_bomb")
        if piece:
            self._reader.feed(piece)
