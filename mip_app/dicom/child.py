"""The child process of pixels.py: decodes, draws and encodes one frame at a time, under limits of memory and time."""

import json
import os
import resource
import struct
import sys
import warnings
from pathlib import Path
from typing import Any

from pydicom import config

from mip_app.core.errors import MipError
from mip_app.dicom.decoding import NotDrawn, decode, opened
from mip_app.dicom.drawing import render
from mip_app.dicom.pixels import ANSWER, Picture
from mip_app.dicom.recoding import encoded, head

MEMORY = 3 * 1024**3
CPU_SECONDS = 20


def _limits() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _more_time() -> None:
    spent = resource.getrusage(resource.RUSAGE_SELF)
    used = int(spent.ru_utime + spent.ru_stime) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (used + CPU_SECONDS, resource.RLIM_INFINITY))


def _answer(request: dict[str, Any]) -> bytes:
    source, frame = opened(Path(request["path"])), int(request.get("frame", 1))
    match request["op"]:
        case "decode":
            return decode(source, frame)
        case "encode":
            return encoded(source, frame, request["syntax"]).data
        case "head":
            begun, first = head(source, request["syntax"], request["uid"], request["corrections"])
            return struct.pack(">I", len(begun)) + begun + first
        case _:
            return render(source, frame, Picture.of(request["picture"]))


def _reason(error: BaseException) -> str:
    if isinstance(error, NotDrawn):
        return str(error)
    if isinstance(error, MipError):
        return error.code
    return "too_large" if isinstance(error, MemoryError) else "damaged"


def main() -> None:
    """Requests are lines of JSON on standard input, answers `pixels.ANSWER` and bytes on standard output."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what codecs print must not get into the answers
    warnings.simplefilter("ignore")
    # What a sender wrote is data: an odd date neither stops a picture nor gets lost in a copy.
    config.settings.reading_validation_mode = config.settings.writing_validation_mode = config.IGNORE
    _limits()
    for line in sys.stdin.buffer:
        _more_time()
        try:
            failed, answer = 0, _answer(json.loads(line))
        except Exception as error:  # codecs raise anything; each is an answer
            failed, answer = 1, json.dumps(_reason(error)).encode()
        out.write(ANSWER.pack(failed, len(answer)) + answer)
        out.flush()


if __name__ == "__main__":
    main()
