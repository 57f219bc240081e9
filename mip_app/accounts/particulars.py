"""What may be written of a person and of a department: pure rules, the same for a form and for a line of a list."""

from collections.abc import Iterable
from dataclasses import dataclass

from mip_app.accounts import entries
from mip_app.accounts.models import Role
from mip_app.accounts.roles import GRANTABLE, OUTSIDE
from mip_app.core.errors import Invalid
from mip_app.dicom.names import search_keys, search_term

NAME, TITLE, DEPARTMENT = 50, 30, 50  # characters
_FORMULA = ("=", "+", "-", "@")


@dataclass(frozen=True, slots=True)
class Particulars:
    """What a form says of a doctor, not yet checked. An empty phone leaves the one there is."""

    name: str = ""
    title: str = ""
    department: str = ""  # its number
    phone: str = ""
    roles: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()


def account_of(value: object) -> str:
    return entries.account({"account": value})


def name_of(value: object) -> str:
    return _line(value, "name", NAME, needed=True)


def title_of(value: object) -> str:
    return _line(value, "title", TITLE)


def department_name_of(value: object) -> str:
    return _line(value, "department", DEPARTMENT, needed=True)


def phone_of(value: object) -> str:
    """Eleven digits, or ''."""
    return entries.mobile({"phone": value}, "phone", required=False)


def roles_of(chosen: Iterable[str], own: Iterable[str]) -> list[str]:
    """Roles an institution may give: those delivered for inside one, and its `own`; at least one."""
    allowed = [role.value for role in Role if role not in OUTSIDE] + [
        code for code in own if code not in set(Role)
    ]
    asked = set(chosen)
    if not asked <= set(allowed):
        raise Invalid("doctor.role_unknown", field="roles")
    if not asked:
        raise Invalid("doctor.role_missing", field="roles")
    return [code for code in allowed if code in asked]


def extra_of(chosen: Iterable[str]) -> list[str]:
    asked = set(chosen)
    if not asked <= {permission.value for permission in GRANTABLE}:
        raise Invalid("doctor.permission_unknown", field="extra")
    return sorted(asked)


def keywords_of(account: str, name: str) -> str:
    """By what a person is found: each key stands after a blank, so that ` term` finds beginnings."""
    keys = [search_term(account), *search_keys(name)]
    return "".join(f" {key}" for key in dict.fromkeys(keys) if key)[:1000]


def _line(value: object, field: str, most: int, *, needed: bool = False) -> str:
    """Lists of people go into spreadsheets: none of them begins like a formula."""
    text = entries.line({field: value}, field, most, required=needed, missing=f"doctor.{field}_missing")
    if text.startswith(_FORMULA):
        raise Invalid("doctor.formula", field=field)
    return text


def of_form(sent: object) -> Particulars:
    """What a page sent, whatever it is, as texts; `role:x` and `extra:x` are the ticked ones."""
    fields = entries.form_of(sent)
    ticked = [key for key, value in fields.items() if value and len(key) < 100]

    def text(name: str) -> str:
        value = fields.get(name)
        return value[:200] if isinstance(value, str) else ""

    def under(prefix: str) -> tuple[str, ...]:
        return tuple(key.removeprefix(prefix) for key in ticked if key.startswith(prefix))

    return Particulars(
        text("name"), text("title"), text("department"), text("phone"), under("role:"), under("extra:")
    )
