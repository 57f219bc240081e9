"""What an entry says besides whom and which study it is about, in words. Pure: plain values in, a line out."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mip_app.audit.models import Act, Result
from mip_app.auditing.addresses import masked
from mip_app.core.texts import catalogue, words

LONGEST = 100  # characters of what is no word of the catalogue
_PREFIX = "audit.detail."


@dataclass(frozen=True, slots=True)
class Names:
    """What identifiers are called where the entry does not say it."""

    people: Mapping[str, str] = field(default_factory=dict)  # by subject `user:…`
    places: Mapping[str, str] = field(default_factory=dict)  # `institution:…`, `alliance:…`
    roles: Mapping[str, str] = field(default_factory=dict)  # by code, of the institution's own


@dataclass(frozen=True, slots=True)
class _Line:
    """One entry, said in one language."""

    act: str
    result: str
    detail: Mapping[str, Any]
    names: Names
    language: str

    def words(self, key: str, **values: object) -> str:
        return words(key, {name: plain(value) for name, value in values.items()}, self.language)

    def known(self, key: str) -> str:
        """The text of a key that may be none: then ''."""
        return self.words(key) if key in catalogue(self.language) else ""

    def listed(self, said: Iterable[str]) -> str:
        return ("、" if self.language == "zh" else ", ").join(said) or self.words(_PREFIX + "none")

    def detail_of(self, name: str, value: str) -> str:
        return self.words(_PREFIX + name, value=value)


def said(act: str, result: str, subject: str, detail: Mapping[str, Any], names: Names, language: str) -> str:
    """`停用 · …`; '' where the act's name, the study and the person are all there is to say."""
    line = _Line(act, result, detail, names, language)
    parts = [_place(line, subject), _sentence(line, subject)]
    parts += [say(line, detail[name]) for name, say in _SAYERS.items() if name in detail]
    return " · ".join(part for part in parts if part)


def subjects_of(detail: Mapping[str, Any] | None) -> list[str]:
    """Whom the detail names by number."""
    number = (detail or {}).get("from_user")
    return [f"user:{number}"] if isinstance(number, int) else []


def plain(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return ""
    return f"{value:,}" if isinstance(value, int) else value[:LONGEST]


def _place(line: _Line, subject: str) -> str:
    kind, _, code = subject.partition(":")
    if kind == "role":
        renamed = "name_before" in line.detail
        return "" if renamed else plain(line.detail.get("name")) or _role(line, code)
    return line.names.places.get(subject, "")


def _sentence(line: _Line, subject: str) -> str:
    """The act's own, where the entry knows all that it says."""
    if line.result == Result.REFUSED:
        return line.known(f"audit.said.{line.act}.refused")
    if subject == "session:others":
        return line.words("audit.said.others")
    text = catalogue(line.language).get(f"audit.said.{line.act}", "")
    values = {name: plain(value) for name, value in line.detail.items()}
    if all(values.get(part.split("}")[0]) for part in text.split("{")[1:]):
        return words(f"audit.said.{line.act}", values, line.language) if text else ""
    return ""


def _role(line: _Line, code: object) -> str:
    code = str(code)
    if code.startswith("own-"):
        return line.names.roles.get(code) or line.words(_PREFIX + "role_gone")
    return line.known(f"role.{code}") or code[:LONGEST]


def _roles(line: _Line, value: object) -> str:
    return _before_and_after(line, "roles", value, _role)


def _extra(line: _Line, value: object) -> str:
    return _before_and_after(line, "extra", value, _permission)


def _before_and_after(line: _Line, name: str, value: object, one: Callable[[_Line, object], str]) -> str:
    after, before = _items(value), line.detail.get(f"{name}_before")
    if isinstance(before, list):
        then = line.listed(one(line, item) for item in before)
        return line.detail_of(name, f"{then} → {line.listed(one(line, item) for item in after)}")
    changes = line.detail.get("changed")
    told = name in changes if isinstance(changes, list) else bool(after)
    return line.detail_of(name, line.listed(one(line, item) for item in after)) if told else ""


def _permission(line: _Line, code: object) -> str:
    return line.known(f"permission.{code}") or str(code)[:LONGEST]


def _after(line: _Line, value: object) -> str:
    """Of a role's permissions: what it gained and what it lost."""
    after, before = set(_items(value)), set(_items(line.detail.get("before")))
    gained = line.listed(_permission(line, word) for word in sorted(after - before))
    lost = line.listed(_permission(line, word) for word in sorted(before - after))
    return " · ".join(
        line.detail_of(name, said)
        for name, said, some in (("gained", gained, after - before), ("lost", lost, before - after))
        if some
    )


def _changed(line: _Line, value: object) -> str:
    # Roles are said with what they were and are.
    names = [name for name in _items(value) if name not in ("roles", "extra")]
    if not names or "name_before" in line.detail:
        return ""
    return line.detail_of(
        "changed", line.listed(line.known(f"audit.field.{n}") or n[:LONGEST] for n in names)
    )


def _name(line: _Line, value: object) -> str:
    if line.act.startswith("role.") and "name_before" not in line.detail:
        return ""  # stands first already
    before = plain(line.detail.get("name_before"))
    return f"{before} → {plain(value)}" if before else plain(value)


def _why(line: _Line, value: object) -> str:
    key = str(value or "")
    provider = line.known(f"external.{line.detail.get('method')}")
    values = {"provider": provider, "minutes": "…", "number": "…"}
    return words(key, values, line.language)[:LONGEST] if key in catalogue(line.language) else key[:LONGEST]


def _by(line: _Line, value: object) -> str:
    """By what the list of studies was searched, or the log was narrowed before it left; never the values."""
    if isinstance(value, dict):
        keys = {"kind": "audit.kind.{}", "days": "days.{}", "act": "audit.act.{}"}
        parts = [line.known(keys[name].format(word)) for name, word in value.items() if name in keys]
        parts += [line.known(f"audit.{name}") for name in ("person", "study", "failures") if name in value]
        if "from" in value or "to" in value:
            parts.append(f"{plain(value.get('from'))} – {plain(value.get('to'))}")
        return line.detail_of("narrowed", line.listed(part for part in parts if part)) if parts else ""
    return line.detail_of("by", line.listed(name[:LONGEST] for name in _items(value))) if value else ""


def _decision(line: _Line, value: object) -> str:
    return line.known(f"data.change_{value}") or line.known(f"data.decided_{value}") or plain(value)


def _number(line: _Line, value: object) -> str:
    """Of a decision about data; elsewhere the sentence has it, or nobody needs it."""
    return line.detail_of("number", plain(value)) if line.act.startswith("data.") else ""


def _of(pattern: str) -> Callable[[_Line, object], str]:
    """A word of the catalogue, or what stands there."""
    return lambda line, value: line.known(pattern.format(value)) or plain(value)


def _if_true(key: str) -> Callable[[_Line, object], str]:
    return lambda line, value: line.words(key) if value is True else ""


def _items(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [str(value)] if value else []


# By the name in the detail, in the order in which they are said. What is not named here is for programs.
_SAYERS: dict[str, Callable[[_Line, Any], str]] = {
    "name": _name,
    "changed": _changed,
    "role": _roles,
    "roles": _roles,
    "extra": _extra,
    "after": _after,
    "decision": _decision,
    "number": _number,
    "people": lambda line, value: line.words(_PREFIX + "people", value=value),
    "format": _of("audit.form_{}"),
    "form": lambda line, value: plain(value).upper(),
    "by": _by,
    "purpose": _of("audit.purpose.{}"),
    "kind": _of("doctor.{}"),
    "provider": _of("external.{}"),
    "method": _of("audit.method.{}"),
    "side": lambda line, value: line.words("audit.detail.side_admin") if value == "admin" else "",
    "via": lambda line, value: "DICOMweb" if value == "dicomweb" else plain(value),
    "person": lambda line, value: plain(value),
    "verbs": lambda line, value: line.listed(line.known(f"audit.verb.{verb}") for verb in _items(value)),
    "future": _if_true("audit.detail.future"),
    "until": lambda line, value: line.detail_of("until", plain(value)) if value else "",
    "node": lambda line, value: plain(value),
    "device": lambda line, value: plain(value),
    "computer": lambda line, value: masked(plain(value)),
    "from_user": lambda line, value: (
        line.detail_of("from_user", line.names.people[f"user:{value}"])
        if f"user:{value}" in line.names.people
        else ""
    ),
    "disabled": lambda line, value: line.words(_PREFIX + ("disabled" if value else "enabled")),
    "removed": _if_true("audit.detail.removed"),
    "dropped": _if_true("audit.detail.dropped"),
    "first": _if_true("audit.detail.first"),
    "at": lambda line, value: line.words("audit.detail.elsewhere") if line.act == Act.USER_DISABLED else "",
    "institution": lambda line, value: line.names.places.get(f"institution:{value}", ""),
    "why": _why,
    "reason": _why,
    "broken": lambda line, value: _why(line, f"audit.broken.{value}") if value else "",
    "waiting": _if_true("audit.detail.waiting"),
    "waits": _if_true("audit.detail.waits"),
}
