"""What somebody typed into a form, at the door of a service: text, one line, not too long.

Forms come from browsers, so nothing in them is of a known type. What is wrong names its field.
"""

import re
import unicodedata
from collections.abc import Mapping
from zoneinfo import available_timezones

from mip_app.accounts import phones
from mip_app.core.errors import Invalid

Form = Mapping[str, object]

_ACCOUNT = re.compile(r"[a-z0-9][a-z0-9._-]{2,39}")
_CODE = re.compile(r"[A-Z0-9][A-Z0-9-]{1,15}")


def line(form: Form, field: str, most: int, *, required: bool = False) -> str:
    """One line of text: composed, without what cannot be seen (control signs, marks that turn the direction)."""
    given = form.get(field, "")
    if not isinstance(given, str):
        raise Invalid("entry.invalid", field=field)
    text = "".join(sign for sign in unicodedata.normalize("NFC", given[: 4 * most]) if sign.isprintable())
    text = text.strip()
    if len(text) > most:
        raise Invalid("entry.too_long", field=field, n=most)
    if required and not text:
        raise Invalid("entry.missing", field=field)
    return text


def account(form: Form) -> str:
    """What somebody signs in with, in lower case."""
    text = line(form, "account", 100, required=True).lower()
    if not _ACCOUNT.fullmatch(text):
        raise Invalid("entry.account_odd", field="account")
    return text


def mobile(form: Form) -> str:
    """11 digits."""
    if not (found := phones.normalised(line(form, "mobile", 40, required=True))):
        raise Invalid("entry.mobile_odd", field="mobile")
    return found


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
