"""Pictures of people and logos, made anew from what was uploaded: nothing of the file itself is kept. Pure: bytes in, bytes out."""

import io
from enum import StrEnum

from PIL import Image, ImageOps

from mip_app.core.errors import Invalid, TooLarge

BYTES = 2 << 20
PIXELS = 24_000_000
AVATAR = 256  # pixels, square
SIGNATURE = (900, 300)
LOGO = (512, 512)
_RESIZABLE = ("L", "RGB", "RGBA", "CMYK", "YCbCr")
_INK, _PAPER = 96, 208  # grey values: darker is all ink, lighter is no ink


class Kind(StrEnum):
    AVATAR = "avatar"
    SIGNATURE = "signature"


class NoPicture(Invalid):
    code = "picture.unreadable"


def made_anew(kind: Kind, data: bytes) -> bytes:
    """PNG. Raises NoPicture, TooLarge."""
    image = _opened(data)
    return _png(_avatar(image) if kind is Kind.AVATAR else _signature(image))


def logo_anew(data: bytes) -> bytes:
    """PNG. Raises NoPicture, TooLarge."""
    image = _opened(data)
    image.thumbnail(LOGO, Image.Resampling.LANCZOS)
    return _png(image)


def _opened(data: bytes) -> Image.Image:
    if len(data) > BYTES:
        raise TooLarge("picture.too_large", limit=BYTES >> 20)
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as image:
            if image.width * image.height > PIXELS:
                raise TooLarge("picture.too_large", limit=BYTES >> 20)
            # Small first: of a picture this large every further copy takes a hundred megabytes.
            small = image if image.mode in _RESIZABLE else image.convert("RGBA")
            small.thumbnail((2000, 2000), Image.Resampling.LANCZOS)
            return ImageOps.exif_transpose(small).convert("RGBA")
    except (OSError, SyntaxError, ValueError, OverflowError, Image.DecompressionBombError) as error:
        raise NoPicture() from error


def _avatar(image: Image.Image) -> Image.Image:
    return _on_white(ImageOps.fit(image, (AVATAR, AVATAR), Image.Resampling.LANCZOS))


def _signature(image: Image.Image) -> Image.Image:
    """The ink alone, on nothing, without the paper around it."""
    image.thumbnail((2000, 2000), Image.Resampling.LANCZOS)
    flat = _on_white(image)
    ink = flat.convert("L").point(_as_ink)
    box = ink.point(lambda value: 255 if value > 64 else 0).getbbox()
    if box is None:
        raise NoPicture("picture.no_ink")
    flat.putalpha(ink)
    drawn = flat.crop(box)
    drawn.thumbnail(SIGNATURE, Image.Resampling.LANCZOS)
    return drawn


def _as_ink(grey: int) -> int:
    return max(0, min(255, round((_PAPER - grey) * 255 / (_PAPER - _INK))))


def _on_white(image: Image.Image) -> Image.Image:
    paper = Image.new("RGBA", image.size, "white")
    paper.alpha_composite(image)
    return paper.convert("RGB")


def _png(image: Image.Image) -> bytes:
    # A new image of the same pixels: whatever else the file said has no way into it.
    clean = Image.new(image.mode, image.size)
    clean.paste(image)
    out = io.BytesIO()
    clean.save(out, "PNG", optimize=True)
    return out.getvalue()
