"""Query parameters of rendered resources (PS3.18 8.3.5): what was asked, as something to draw. Pure."""

import math
from collections.abc import Mapping
from dataclasses import replace

from mip_app.core.errors import Invalid
from mip_app.dicom.pixels import Picture

FUNCTIONS = {"": "LINEAR", "linear": "LINEAR", "linear-exact": "LINEAR_EXACT", "sigmoid": "SIGMOID"}
LARGEST = 8192  # pixels of a viewport's side


# Said with a picture that was asked for with names and dates on it. Nothing is ever burned in: a picture that travels
# must not carry a name that nobody sees it carry. The standard lets an unsupported parameter be ignored.
NO_ANNOTATION = '299 mip "annotation is not supported: nothing is burned into pictures"'


class BadParameter(Invalid):
    """`name` of the detail says which."""

    code = "dicomweb.bad_parameter"


class NotSupported(Invalid):
    """What would be believed done if it were left out: a copy without names, a colour space."""

    code = "dicomweb.not_supported"


def asked(given: Mapping[str, str], form: str) -> Picture:
    """Raises BadParameter, NotSupported."""
    picture = Picture(form=form)
    if "window" in given:
        picture = _window(picture, given["window"])
    if "viewport" in given:
        picture = _viewport(picture, given["viewport"])
    if "quality" in given:
        picture = replace(picture, quality=quality(given["quality"], "quality"))
    if given.get("iccprofile", "no") not in ("no", "yes", "srgb"):
        raise NotSupported(name="iccprofile")
    return replace(picture, profile=given.get("iccprofile", "no"))


def _window(picture: Picture, text: str) -> Picture:
    """`center,width[,function]`; the function may be left out, which many clients do."""
    parts = text.split(",")
    function = FUNCTIONS.get(parts[2].strip().lower().replace("_", "-") if len(parts) == 3 else "")
    if len(parts) not in (2, 3) or function is None:
        raise BadParameter(name="window")
    return replace(picture, window=window(parts[0], parts[1], "window", function), function=function)


def window(center: str, width: str, name: str, function: str = "LINEAR") -> tuple[float, float]:
    found = real(center, name), real(width, name)
    # PS3.3 C.11.2.1.2.1 and C.11.2.1.3: a linear window is at least one wide, the others wider than nothing.
    if found[1] < 1 if function == "LINEAR" else found[1] <= 0:
        raise BadParameter(name=name)
    return found


def _viewport(picture: Picture, text: str) -> Picture:
    """`vw,vh` or `vw,vh,sx,sy,sw,sh`, of which each of the last four may be empty."""
    parts = text.split(",")
    if len(parts) not in (2, 6):
        raise BadParameter(name="viewport")
    viewport = side(parts[0], "viewport"), side(parts[1], "viewport")
    if len(parts) == 2 or not any(part.strip() for part in parts[2:]):
        return replace(picture, viewport=viewport)
    x, y = (real(part or "0", "viewport") for part in parts[2:4])
    # An empty width or height reaches to the edge; which one that is, only the picture knows.
    width, height = (real(part, "viewport") if part.strip() else math.inf for part in parts[4:])
    return replace(picture, viewport=viewport, region=(x, y, width, height))


def side(text: str, name: str) -> int:
    """Pixels of a picture's width or height."""
    if not text.strip().isdecimal() or not 1 <= int(text.strip()[:6]) <= LARGEST:
        raise BadParameter(name=name)
    return int(text)


def quality(text: str, name: str) -> int:
    if not text.isdecimal() or not 1 <= int(text[:4]) <= 100:
        raise BadParameter(name=name)
    return int(text)


def real(text: str, name: str) -> float:
    try:
        found = float(text) if len(text) <= 32 and "_" not in text else math.nan
    except ValueError:
        found = math.nan
    if not math.isfinite(found) or abs(found) > 1e12:
        raise BadParameter(name=name)
    return found
