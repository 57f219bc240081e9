"""Fonts of the printed report: which packages, where their files lie, which characters they lack.

The system's fonts are not relied on: a report looks the same, and lacks the same characters, on every machine.
"""

import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import typst
from PIL import ImageFont

from mip_app.core.errors import MipError

FONT_PACKAGE = "@expo-google-fonts/noto-sans-sc@0.4.3"
# What Noto Sans SC lacks: Kazakh Cyrillic and extended Latin, Uyghur, and 𠮷 with 350 more of CJK extension B.
# A report prints without them too; their characters then become □ with their code in a note.
FALLBACK_PACKAGES = (
    "@expo-google-fonts/noto-sans@0.4.2",
    "@expo-google-fonts/noto-sans-arabic@0.4.3",
    "@expo-google-fonts/noto-sans-jp@0.4.3",
)
# Folders inside each package; all are TTF under the SIL Open Font License.
FONT_WEIGHTS = ("400Regular", "600SemiBold")
FAMILIES = ("Noto Sans SC", "Noto Sans", "Noto Sans Arabic", "Noto Sans JP")
UNDRAWABLE = "□"

_REPOSITORY = Path(__file__).resolve().parents[2]
_NEEDED = ("NotoSansSC_400Regular.ttf", "NotoSansSC_600SemiBold.ttf")
_NONCHARACTER = "\U0010ffff"  # no font may have it, so its picture is the font's sign for "missing"


def fonts_folder() -> Path:
    """The folder with the TTF files (at any depth).

    Raises MipError `print.fonts_missing` when neither the build nor the installed packages have them.
    """
    for folder in (
        _REPOSITORY / ".build" / "fonts",
        _REPOSITORY / ".web" / "node_modules" / "@expo-google-fonts",
    ):
        if all(next(folder.rglob(name), None) for name in _NEEDED):
            return folder
    raise MipError("print.fonts_missing", package=FONT_PACKAGE)


@lru_cache(maxsize=4)
def loaded_fonts(folder: Path) -> typst.Fonts:
    """The folder's fonts for Typst, read once; the machine's own fonts stay out."""
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[folder])


def families(folder: Path) -> list[str]:
    """Names of the families in the folder, the first choice first."""
    present = set(loaded_fonts(folder).families())
    return [family for family in FAMILIES if family in present]


def missing_glyphs(text: str, fonts: Path) -> set[str]:
    """Characters of the text that no font in the folder can draw; layout controls and spaces are not counted."""
    faces = _faces(fonts)
    return {c for c in set(text) if _has_shape(c) and not any(face.draws(c) for face in faces)}


def _has_shape(character: str) -> bool:
    if unicodedata.category(character) in {"Cc", "Cf", "Zs", "Zl", "Zp"}:
        return False
    return not ("\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef")


class _Face:
    """One font file, asked character by character. FreeType draws a missing character as the font's box."""

    def __init__(self, path: str, index: int) -> None:
        self._font = ImageFont.truetype(path, 24, index=index, layout_engine=ImageFont.Layout.BASIC)
        self._box = self._picture(_NONCHARACTER)
        self._known: dict[str, bool] = {}

    def draws(self, character: str) -> bool:
        if character not in self._known:
            self._known[character] = self._picture(character) != self._box
        return self._known[character]

    def _picture(self, character: str) -> tuple[tuple[float, ...], bytes]:
        return self._font.getbbox(character), bytes(self._font.getmask(character))


@lru_cache(maxsize=4)
def _faces(folder: Path) -> tuple[_Face, ...]:
    """One face a family: the weights of a family have the same characters."""
    found = {font.family: font for font in _by_weight(loaded_fonts(folder).fonts())}
    return tuple(
        _Face(found[name].path or "", found[name].index) for name in families(folder) if name in found
    )


def _by_weight(fonts: Iterable[typst.FontInfo]) -> list[typst.FontInfo]:
    return sorted(fonts, key=lambda font: -font.weight)
