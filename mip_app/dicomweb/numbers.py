"""Lists of frame numbers in addresses. A pure rule."""

import re

from mip_app.core.errors import Invalid


class BadFrames(Invalid):
    code = "dicomweb.bad_frames"


def frame_numbers(text: str) -> list[int]:
    """`1,3,5`, counted from 1. Raises BadFrames."""
    if not re.fullmatch(r"[1-9]\d{0,6}(,[1-9]\d{0,6}){0,999}", text):
        raise BadFrames()
    wanted = [int(part) for part in text.split(",")]
    if len(set(wanted)) < len(wanted):  # one frame a thousand times over is nobody's need
        raise BadFrames()
    return wanted
