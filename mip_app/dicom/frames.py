"""Where each frame lies in a stored file, so that serving one is a read of a byte range (PS3.5 8 and A.4)."""

import itertools
import json
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from mip_app.core.errors import NotVisible
from mip_app.dicom.elements import Refused

Parts = list[tuple[int, int]]

VIDEO = frozenset(
    f"1.2.840.10008.1.2.4.{n}" for n in (100, 101, 102, 103, 104, 105, 106, 107, 108)
) | frozenset(
    f"1.2.840.10008.1.2.4.{n}.1" for n in range(100, 107)
)  # one fragment holds many frames: served whole, as frame 1
_STARTS = (b"\xff\xd8", b"\xff\x4f")  # JPEG and JPEG-LS, JPEG 2000


@dataclass(frozen=True, slots=True)
class FrameIndex:
    """Native: `count` frames of `length` bytes from `offset` on. Encapsulated: `fragments`, a list of parts a frame.

    Neither (`count` 0): `reason` says why, and decode_frame of pixels.py may still do it. `byte_swap`: size of the
    words in which a big endian frame has to be turned round before it is sent, 0 for none.
    """

    count: int = 0
    offset: int = 0
    length: int = 0
    byte_swap: int = 0
    fragments: tuple[tuple[tuple[int, int], ...], ...] = field(default=(), repr=False)
    reason: str = ""

    @property
    def native(self) -> bool:
        return self.count > 0 and not self.fragments

    def parts(self, n: int) -> Parts:
        """(offset, length) of what makes up frame `n`, counted from 1. Raises NotVisible beyond the last."""
        if not 1 <= n <= self.count:
            raise NotVisible(frame=n, frames=self.count)
        if self.fragments:
            return list(self.fragments[n - 1])
        return [(self.offset + (n - 1) * self.length, self.length)]

    def to_json(self) -> str:
        if self.fragments:
            flat = [[number for part in frame for number in part] for frame in self.fragments]
            return json.dumps({"f": flat}, separators=(",", ":"))
        if self.native:
            return json.dumps(
                {"n": [self.offset, self.length, self.count, self.byte_swap]}, separators=(",", ":")
            )
        return json.dumps({"none": self.reason}, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "FrameIndex":
        found = json.loads(text)
        if "f" in found:
            frames = tuple(tuple(zip(f[::2], f[1::2], strict=True)) for f in found["f"])
            return cls(len(frames), fragments=frames)
        if "n" in found:
            offset, length, count, swap = found["n"]
            return cls(count, offset, length, swap)
        return cls(reason=found["none"])


@dataclass(frozen=True, slots=True)
class Shape:
    """What the header claims about its pixels."""

    rows: int
    columns: int
    frames: int
    samples: int
    bits: int  # allocated
    photometric: str = ""

    @property
    def frame_bits(self) -> int:
        bits = self.rows * self.columns * self.samples * self.bits
        return (
            bits * 2 // 3 if "422" in self.photometric else bits // 2 if "420" in self.photometric else bits
        )

    @property
    def drawable(self) -> bool:
        return (
            min(self.rows, self.columns, self.frames) > 0 and 1 <= self.samples <= 4 and 1 <= self.bits <= 64
        )


def native(shape: Shape, offset: int, length: int, big_endian: bool, words: bool) -> FrameIndex:
    """Raises Refused (ingest.not_plausible) when more is claimed than is there. `words`: VR OW."""
    if not length:
        return FrameIndex(reason="empty")
    if not shape.drawable:
        return FrameIndex(reason="no_dimensions")
    needed = (shape.frame_bits * shape.frames + 7) // 8
    if needed > length:
        raise Refused("ingest.not_plausible", needed=needed, found=length)
    if shape.frame_bits % 8 and shape.frames > 1:
        return FrameIndex(reason="not_byte_aligned")
    if shape.bits % 8 and shape.bits != 1:
        return FrameIndex(reason="packed_bits")
    size = (shape.frame_bits + 7) // 8
    swap = 0
    if big_endian:
        swap = max(shape.bits // 8, 2) if words else shape.bits // 8
        swap = swap if swap > 1 else 0
        if swap and size % swap:
            return FrameIndex(reason="not_word_aligned")
    return FrameIndex(shape.frames, offset, size, swap)


def encapsulated(
    shape: Shape, items: Parts, syntax: str, read: Callable[[int, int], bytes], lengths: bytes = b""
) -> FrameIndex:
    """`items` are all fragments, the basic offset table first; `read(offset, count)`; `lengths` is (7FE0,0002).

    A table is believed only where it points at fragments. Raises Refused (ingest.not_plausible) when there are fewer
    fragments than frames.
    """
    fragments = [f for f in items[1:] if f[1]]
    if not fragments:
        return FrameIndex(reason="empty")
    frames = max(shape.frames, 1)
    if syntax in VIDEO or frames == 1:
        return FrameIndex(1, fragments=(tuple(fragments),))
    if len(fragments) < frames:
        raise Refused("ingest.not_plausible", needed=frames, found=len(fragments))
    if len(fragments) == frames:
        return FrameIndex(frames, fragments=tuple((f,) for f in _exact(fragments, lengths)))
    starts = _by_table(items[0], fragments, frames, read) or _by_marker(fragments, read)
    if len(starts) != frames or starts[0] != 0:
        return FrameIndex(reason="fragments_do_not_add_up")
    ends = [*starts[1:], len(fragments)]
    return FrameIndex(
        frames, fragments=tuple(tuple(fragments[a:b]) for a, b in zip(starts, ends, strict=True))
    )


def _exact(fragments: Parts, lengths: bytes) -> Parts:
    """Extended offset table lengths (PS3.3 C.7.6.3.1.8) leave out the padding byte."""
    if len(lengths) != 8 * len(fragments):
        return fragments
    told = struct.unpack(f"<{len(fragments)}Q", lengths)
    return [(o, t if t in (n, n - 1) else n) for (o, n), t in zip(fragments, told, strict=True)]


def _by_table(
    table: tuple[int, int], fragments: Parts, frames: int, read: Callable[[int, int], bytes]
) -> list[int]:
    offset, length = table
    if length != 4 * frames:
        return []
    first = offset + length + 8  # offsets count from the item tag of the first fragment
    places = {start - first: n for n, (start, _) in enumerate(fragments)}
    starts = [places.get(told, -1) for told in struct.unpack(f"<{frames}L", read(offset, length))]
    rising = all(a < b for a, b in itertools.pairwise(starts))
    return starts if rising and starts[0] == 0 else []


def _by_marker(fragments: Parts, read: Callable[[int, int], bytes]) -> list[int]:
    return [n for n, (offset, _) in enumerate(fragments) if read(offset, 2) in _STARTS]
