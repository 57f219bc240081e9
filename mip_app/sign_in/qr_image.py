"""A QR code as an image that is part of the page: nothing is loaded from elsewhere."""

import segno


def drawn(text: str) -> str:
    """A `data:` address of an SVG, black on white whatever the theme: phones read it best."""
    return str(segno.make(text, micro=False, error="m").svg_data_uri(scale=4, border=3, light="#fff"))
