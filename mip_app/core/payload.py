"""What a client sends with an event: made of whole characters, and only what the handler takes.

Reflex hands over whatever came.
"""

import inspect
import json
from collections.abc import Callable, Mapping
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

DEEP = 12  # our pages nest three; a thousand levels overflow whoever walks them
_KINDS: dict[Any, tuple[type, ...]] = {
    str: (str,),
    bool: (bool,),
    int: (int, float, str),  # as fields of a page give numbers; the handler reads them
    float: (int, float, str),
    list: (list,),
    dict: (dict,),
}


def fits(handler: Callable[..., Any], payload: object) -> bool:
    """All that the handler needs, nothing that it does not know, each of the kind it says."""
    if not isinstance(payload, Mapping):
        return False
    kinds, needed = _takes(handler)
    if not needed <= payload.keys() <= kinds.keys():
        return False
    return all(_is(value, kinds[name]) and _flat(value, DEEP) for name, value in payload.items())


@cache
def _takes(handler: Callable[..., Any]) -> tuple[dict[str, tuple[type, ...]], frozenset[str]]:
    parameters = list(inspect.signature(handler).parameters.values())[1:]
    try:
        hints = get_type_hints(handler)
    except NameError:  # a hint for type checkers only
        hints = {}
    kinds = {each.name: _kinds(hints.get(each.name, Any)) for each in parameters}
    needed = frozenset(each.name for each in parameters if each.default is each.empty)
    return kinds, needed


def _kinds(hint: Any) -> tuple[type, ...]:
    """The builtin types that a value of this hint may have; empty for any."""
    if get_origin(hint) in (Union, UnionType):
        inside = [_kinds(part) if part is not type(None) else (type(None),) for part in get_args(hint)]
        return () if () in inside else tuple(kind for kinds in inside for kind in kinds)
    return _KINDS.get(get_origin(hint) or hint, ())


def loads(text: str) -> Any:
    """JSON whose texts every database takes and every socket carries back."""
    return _clean(json.loads(text, parse_constant=lambda _: None))


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        if value.isascii() and "\0" not in value:
            return value
        # A page may cut a character in two; NUL no database takes.
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "")
    if isinstance(value, dict):
        return {_clean(key): _clean(inside) for key, inside in value.items()}
    if isinstance(value, list):
        return [_clean(inside) for inside in value]
    return value


def _is(value: object, kinds: tuple[type, ...]) -> bool:
    if not kinds:
        return True
    if isinstance(value, bool) and bool not in kinds:
        return False
    return isinstance(value, kinds)


def _flat(value: object, levels: int) -> bool:
    if isinstance(value, Mapping):
        return levels > 0 and all(_flat(inside, levels - 1) for inside in value.values())
    if isinstance(value, list | tuple):
        return levels > 0 and all(_flat(inside, levels - 1) for inside in value)
    return True
