"""What somebody typed into a form or wrote in a list, at the door of a service: text, one line, not too long.

Forms come from browsers, so nothing in them is of a known type. What is wrong names its field.
"""

import re
import unicodedata
from collections.abc import Mapping
from zoneinfo import available_timezones

from mip_app.accounts import phones
from mip_app.core.errors import Invalid

Form = Mapping[str, object]

# ASCII, and never one that a spreadsheet takes for a formula.
_ACCOUNT = re.compile(r"[a-z0-9][a-z0-9._@-]{1,49}")
_CODE = re.compile(r"[A-Z0-9][A-Z0-9-]{1,15}")


def form_of(sent: object) -> dict[str, object]:
    """What a browser sent as a form; anything else is an empty one."""
    return {str(name): value for name, value in sent.items()} if isinstance(sent, dict) else {}


def plain(given: object, most: int = 200) -> str:
    """One line of text: composed, without what cannot be seen (control signs, marks that turn the direction)."""
    text = unicodedata.normalize("NFC", given[: 4 * most]) if isinstance(given, str) else ""
    return " ".join("".join(sign for sign in text if sign.isprintable() or sign.isspace()).split())


def line(form: Form, field: str, most: int, *, required: bool = False, missing: str = "entry.missing") -> str:
    """`plain`, and no longer than `most`. Raises Invalid."""
    given = form.get(field, "")
    if not isinstance(given, str):
        raise Invalid("entry.invalid", field=field)
    text = plain(given, most)
    if len(text) > most:
        raise Invalid("entry.too_long", field=field, n=most)
    if required and not text:
        raise Invalid(missing, field=field)
    return text


def account(form: Form) -> str:
    """What somebody signs in with, in lower case."""
    text = line(form, "account", 100, required=True, missing="entry.account_missing").lower()
    if not _ACCOUNT.fullmatch(text):
        raise Invalid("entry.account_odd", field="account")
    return text


def mobile(form: Form, field: str = "mobile", *, required: bool = True) -> str:
    """11 digits; '' where none is given and none is required."""
    text = line(form, field, 40, required=required)
    if text and not phones.normalised(text):
        raise Invalid("entry.mobile_odd", field=field)
    return phones.normalised(text)


def institution_code(form: Form) -> str:
    text = line(form, "code", 40, required=True).upper()
    if not _CODE.fullmatch(text):
        raise Invalid("entry.code_odd", field="code")
    return text


def time_zone(form: Form) -> str:
    text = line(form, "time_zone", 64) or "Asia/Shanghai"
    if text not in available_timezones():
        raise Invalid("entry.time_zone_odd", field="time_zone")
    return text


def key(given: object) -> int:
    """A row's number as a page names it; 0, which no row has, for anything else."""
    text = str(given) if isinstance(given, int | str) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
