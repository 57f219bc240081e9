"""What a line of an uploaded list says, and what is wrong with it: rules over texts and what is known already."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

from mip_app.accounts import particulars as rules
from mip_app.accounts import phones
from mip_app.accounts.entries import plain
from mip_app.accounts.lists import Line
from mip_app.accounts.models import Role
from mip_app.accounts.roles import OUTSIDE
from mip_app.core.errors import Invalid, MipError
from mip_app.core.texts import LANGUAGES, words

COLUMNS = ("account", "name", "title", "department", "roles", "phone")
_HEADS = {
    "account": ("账号", "帐号", "用户名", "登录名", "account", "username", "login"),
    "name": ("姓名", "名字", "医生姓名", "name", "fullname"),
    "title": ("职称", "title"),
    "department": ("科室", "部门", "department"),
    "roles": ("角色", "roles", "role"),
    "phone": ("手机", "手机号", "手机号码", "电话", "联系电话", "phone", "mobile", "phonenumber"),
}
_OF_HEAD = {head: column for column, heads in _HEADS.items() for head in heads}


class NoColumns(Invalid):
    code = "import.no_columns"


class Reason(TypedDict):
    """Why a line is not taken: a key of the catalogue, what stood there, and a number in the text."""

    code: str
    value: str
    n: str


@dataclass(slots=True)
class Entry:
    """One line as it was read, and what it becomes."""

    number: int
    cells: dict[str, str]
    reasons: list[Reason] = field(default_factory=list)
    account: str = ""
    name: str = ""
    title: str = ""
    department: str = ""
    roles: list[str] = field(default_factory=list)
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What an institution has already."""

    departments: Mapping[str, int]  # by name in lower case
    disabled_departments: frozenset[str]
    own_roles: Mapping[str, str]  # code: name
    accounts: frozenset[str]  # of those in the list that are taken
    phones: frozenset[str]


def named(lines: Sequence[Line]) -> list[Entry]:
    """The lines below the head, their cells by the names of COLUMNS. Raises NoColumns."""
    heads = [_OF_HEAD.get(re.sub(r"[\s*_\-]", "", cell).lower(), "") for cell in lines[0][1]] if lines else []
    missing = [column for column in ("account", "name") if column not in heads]
    if missing:
        raise NoColumns()
    places = {column: heads.index(column) for column in COLUMNS if column in heads}
    return [
        Entry(number, {c: cells[at] if at < len(cells) else "" for c, at in places.items()})
        for number, cells in lines[1:]
    ]


def check(entries: Sequence[Entry], known: Known, create_departments: bool = False) -> None:
    """Fill in what each line becomes and everything that is wrong with it."""
    seen: dict[str, int] = {}
    seen_phones: dict[str, int] = {}
    role_words = _role_words(known.own_roles)
    for entry in entries:
        entry.reasons = []
        _check_alone(entry, role_words)
        _check_department(entry, known, create_departments)
        if entry.account in known.accounts:
            _add(entry, "import.account_exists", entry.account)
        if entry.phone in known.phones:
            _add(entry, "import.phone_exists", phones.masked(entry.phone))
        if entry.account in seen:
            _add(entry, "import.account_twice", str(seen[entry.account]))
        if entry.phone in seen_phones:
            _add(entry, "import.phone_twice", str(seen_phones[entry.phone]))
        if entry.account:
            seen.setdefault(entry.account, entry.number)
        if entry.phone:
            seen_phones.setdefault(entry.phone, entry.number)


def _check_alone(entry: Entry, role_words: Mapping[str, str]) -> None:
    cells = entry.cells
    entry.account = _taken(entry, rules.account_of, "account")
    entry.name = _taken(entry, rules.name_of, "name")
    entry.title = _taken(entry, rules.title_of, "title")
    entry.phone = _taken(entry, rules.phone_of, "phone")
    asked = [word.strip() for word in re.split(r"[、,，;；/|]", cells.get("roles", "")) if word.strip()]
    unknown = [word for word in asked if word.casefold() not in role_words]
    for word in unknown:
        _add(entry, "import.role_unknown", word)
    entry.roles = list(dict.fromkeys(role_words[w.casefold()] for w in asked if w not in unknown))
    if not asked:
        _add(entry, "doctor.role_missing")


def _check_department(entry: Entry, known: Known, create: bool) -> None:
    entry.department = ""
    if not plain(entry.cells.get("department", "")):
        return
    entry.department = _taken(entry, rules.department_name_of, "department")
    if entry.department.lower() in known.disabled_departments:
        _add(entry, "doctor.department_disabled", entry.department)
    elif entry.department and not create and entry.department.lower() not in known.departments:
        _add(entry, "import.department_unknown", entry.department)


def _taken(entry: Entry, rule: Callable[[object], str], column: str) -> str:
    try:
        return rule(entry.cells.get(column, ""))
    except MipError as error:
        _add(entry, error.code, entry.cells.get(column, "")[:20], error.detail.get("n", ""))
        return ""


def _add(entry: Entry, code: str, value: str = "", n: str = "") -> None:
    entry.reasons.append(Reason(code=code, value=value, n=n))


def _role_words(own: Mapping[str, str]) -> dict[str, str]:
    """Every word that names a role: its code and its name in each language."""
    found = {name.casefold(): code for code, name in own.items()} | {code: code for code in own}
    for role in Role:
        if role not in OUTSIDE:
            found[role.value] = role.value
            found |= {
                words(f"role.{role.value}", in_language=lang).casefold(): role.value for lang in LANGUAGES
            }
    return found
