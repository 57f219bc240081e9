"""Real files with damage done to them, as a strategy of hypothesis: what fails is made small, and can be repeated."""

import os
from functools import cache
from pathlib import Path

import pydicom
from hypothesis import strategies as st

LARGEST = 300_000  # bytes: damage is as good in a small file, and there is time for more of them
SHARED = Path(os.environ.get("MIP_SHARED") or Path(__file__).parents[3] / "shared") / "dicom"

# Where parsers go wrong: lengths at their limits, delimiters, tags of pixels and of sequences, in both byte orders.
WORDS = [
    b"\xff\xff\xff\xff",
    b"\xfe\xff\xff\xff",
    b"\x00\x00\x00\x80",
    b"\xff\xff\xff\x7f",
    b"\x00\x00\x00\x00",
    b"\xff\xff",
    b"\xfe\xff\x00\xe0",  # item
    b"\xfe\xff\x0d\xe0\x00\x00\x00\x00",
    b"\xfe\xff\xdd\xe0\x00\x00\x00\x00",
    b"\xe0\x7f\x10\x00OW\x00\x00",
    b"\x28\x00\x10\x00US\x02\x00\xff\xff",  # rows
    b"\x28\x00\x08\x00IS\x0a\x002147483647",  # number of frames
    b"\x08\x00\x05\x00CS\x10\x00\\ISO 2022 IR 149",
    b"SQ\x00\x00\xff\xff\xff\xff",
    b"1.2.840.10008.1.2.1.99\x00",
]


@cache
def originals(everywhere: bool) -> list[Path]:
    """The wheel's test files, which are the same on every machine; `everywhere`: those beside the repository too."""
    roots = [Path(pydicom.__file__).parent / "data" / "test_files"]
    if everywhere and SHARED.is_dir():
        roots.append(SHARED)
    found = (path for root in roots for path in sorted(root.rglob("*")) if path.is_file())
    return [path for path in found if 132 < path.stat().st_size <= LARGEST and _is_part10(path)]


def _is_part10(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(132).endswith(b"DICM")


@st.composite
def files(draw: st.DrawFn, everywhere: bool = False) -> bytes:
    """One real file after one to six acts of damage."""
    paths = originals(everywhere)
    data = bytearray(draw(st.sampled_from(paths)).read_bytes())
    for _ in range(draw(st.integers(1, 6))):
        # Most of what a parser decides stands in front of the pixels.
        reach = len(data) if draw(st.booleans()) else min(len(data), 2048)
        at = draw(st.integers(132, max(132, reach)))
        match draw(st.sampled_from(["set", "word", "insert", "cut", "end", "double", "splice"])):
            case "set":
                data[at : at + 1] = bytes([draw(st.integers(0, 255))])
            case "word":
                word = draw(st.sampled_from(WORDS))
                data[at : at + len(word)] = word
            case "insert":
                data[at:at] = draw(st.sampled_from(WORDS) | st.binary(max_size=16))
            case "cut":
                del data[at : at + draw(st.integers(1, 64))]
            case "end":
                del data[at:]
            case "double":
                data[at:at] = data[at : at + draw(st.integers(1, 4096))]
            case "splice":
                data[at:] = draw(st.sampled_from(paths)).read_bytes()[at:]
    return bytes(data)
