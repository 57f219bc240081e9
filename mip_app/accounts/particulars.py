"""What may be written of a person and of a department: pure rules, the same for a form and for a line of a list."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from mip_app.accounts import phones
from mip_app.accounts.models import Role
from mip_app.accounts.roles import GRANTABLE, OUTSIDE
from mip_app.core.errors import Invalid
from mip_app.dicom.names import search_keys, search_term

NAME, TITLE, DEPARTMENT = 50, 30, 50  # characters
# ASCII, and never one that a spreadsheet takes for a formula.
_ACCOUNT = re.compile(r"[a-z0-9][a-z0-9._@-]{1,49}")
_FORMULA = ("=", "+", "-", "@")
# Controls, and the marks that turn the reading direction: a name must read everywhere as it was written.
_NO_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


class Unfit(Invalid):
    """`field` of the detail names what is to be corrected."""


@dataclass(frozen=True, slots=True)
class Particulars:
    """What a form says of a doctor, not yet checked. An empty phone leaves the one there is."""

    name: str = ""
    title: str = ""
    department: str = ""  # its number
    phone: str = ""
    roles: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()


def plain(value: object) -> str:
    """Whatever came from outside as one line of text."""
    text = unicodedata.normalize("NFC", value if isinstance(value, str) else "")
    return re.sub(r"\s+", " ", text).strip()


def account_of(value: object) -> str:
    account = plain(value).lower()
    if not account:
        raise Unfit("doctor.account_missing", field="account")
    if not _ACCOUNT.fullmatch(account):
        raise Unfit("doctor.account_unfit", field="account")
    return account


def name_of(value: object) -> str:
    return _line(value, "name", NAME, needed=True)


def title_of(value: object) -> str:
    return _line(value, "title", TITLE)


def department_name_of(value: object) -> str:
    return _line(value, "department", DEPARTMENT, needed=True)


def phone_of(value: object) -> str:
    """Eleven digits, or ''."""
    text = plain(value)
    if text and not phones.normalised(text):
        raise Unfit("doctor.phone_unfit", field="phone")
    return phones.normalised(text)


def roles_of(chosen: Iterable[str], own: Iterable[str]) -> list[str]:
    """Roles an institution may give: those delivered for inside one, and its `own`; at least one."""
    allowed = [role.value for role in Role if role not in OUTSIDE] + [
        code for code in own if code not in set(Role)
    ]
    asked = set(chosen)
    if not asked <= set(allowed):
        raise Unfit("doctor.role_unknown", field="roles")
    if not asked:
        raise Unfit("doctor.role_missing", field="roles")
    return [code for code in allowed if code in asked]


def extra_of(chosen: Iterable[str]) -> list[str]:
    asked = set(chosen)
    if not asked <= {permission.value for permission in GRANTABLE}:
        raise Unfit("doctor.permission_unknown", field="extra")
    return sorted(asked)


def keywords_of(account: str, name: str) -> str:
    """By what a person is found: each key stands after a blank, so that ` term` finds beginnings."""
    keys = [search_term(account), *search_keys(name)]
    return "".join(f" {key}" for key in dict.fromkeys(keys) if key)[:1000]


def _line(value: object, field: str, limit: int, *, needed: bool = False) -> str:
    text = plain(value)
    if needed and not text:
        raise Unfit(f"doctor.{field}_missing", field=field)
    if len(text) > limit:
        raise Unfit("doctor.too_long", field=field, limit=limit)
    if _NO_TEXT.search(text):
        raise Unfit("doctor.no_text", field=field)
    if text.startswith(_FORMULA):
        raise Unfit("doctor.formula", field=field)
    return text


def of_form(sent: object) -> Particulars:
    """What a page sent, whatever it is, as texts; `role:x` and `extra:x` are the ticked ones."""
    fields = sent if isinstance(sent, dict) else {}
    ticked = [key for key, value in fields.items() if isinstance(key, str) and value and len(key) < 100]

    def text(name: str) -> str:
        value = fields.get(name)
        return value[:200] if isinstance(value, str) else ""

    def under(prefix: str) -> tuple[str, ...]:
        return tuple(key.removeprefix(prefix) for key in ticked if key.startswith(prefix))

    return Particulars(
        text("name"), text("title"), text("department"), text("phone"), under("role:"), under("extra:")
    )
