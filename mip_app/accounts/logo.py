"""An institution's logo: whatever picture came in goes out as a small PNG of our own making."""

import hashlib
from io import BytesIO

from PIL import Image

from mip_app.core.errors import Invalid, TooLarge

MOST_BYTES = 2_000_000
MOST_PIXELS = 25_000_000  # drawn from 2 MB; a picture of more is a trap, not a logo
SIDE = 512


def redrawn(picture: bytes) -> bytes:
    """The picture as PNG of at most SIDE × SIDE, without anything else the file carried. Raises Invalid, TooLarge."""
    if len(picture) > MOST_BYTES:
        raise TooLarge("logo.too_large")
    try:
        with Image.open(BytesIO(picture), formats=("PNG", "JPEG", "WEBP", "GIF")) as image:
            if image.width * image.height > MOST_PIXELS:
                raise Invalid("logo.unreadable")
            drawn = image.convert("RGBA")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise Invalid("logo.unreadable") from None
    drawn.thumbnail((SIDE, SIDE))
    made = BytesIO()
    drawn.save(made, "PNG", optimize=True)
    return made.getvalue()


def key_of(institution_id: int, png: bytes) -> str:
    """Named by content: a report printed with an earlier one finds it still."""
    return f"institutions/{institution_id}/logo-{hashlib.sha256(png).hexdigest()[:32]}.png"
