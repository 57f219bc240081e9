"""The catalogue of texts, where Python itself needs words: on the command line, in answers, on paper."""

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from mip_app.core.errors import MipError

LOCALES = Path(__file__).parent.parent / "locales"
LANGUAGES = ("zh", "en")


@cache
def catalogue(language: str) -> dict[str, str]:
    words: dict[str, str] = json.loads((LOCALES / f"{language}.json").read_text("utf-8"))
    return words


def said(error: MipError, in_language: str = "en") -> str:
    """An error in words."""
    return words(error.code, error.detail, in_language)


def words(
    key: str, values: Mapping[str, str] | None = None, in_language: str = "en", fallback: str = ""
) -> str:
    """The text of `key` filled with `values`; an unknown key gives `fallback`, or itself."""
    text = catalogue(in_language).get(key, fallback or key)
    return re.sub(r"\{(\w+)\}", lambda found: (values or {}).get(found[1], ""), text)
