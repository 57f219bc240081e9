"""Texts are keys in Python and words in the browser: switching language asks the server nothing.

`zh.json` is the source. Both catalogues travel to the browser inside `i18n_words.js`, written from them at build.
"""

import json
from pathlib import Path
from typing import Any

import reflex as rx
from reflex_base.event import EventSpec
from reflex_base.vars import VarData

from mip_app.core.texts import LANGUAGES, catalogue


def write_words() -> None:
    """Write both catalogues as the module that the browser imports; the compiler calls it through `rxconfig`."""
    target = Path(__file__).parent / "i18n_words.js"
    text = "".join(
        f"export const {language} = {json.dumps(catalogue(language), ensure_ascii=False, indent=1)};\n"
        for language in LANGUAGES
    )
    if not target.exists() or target.read_text("utf-8") != text:
        target.write_text(text, "utf-8")


write_words()
_words = rx.asset("i18n_words.js", shared=True)
_script = rx.asset("i18n.js", shared=True)
_needs = VarData(
    imports={_script.importable_path: [rx.ImportVar(tag="useT")]},
    hooks={"const t = useT()": None},
)


def t(key: str | rx.Var[str], **values: object) -> rx.Var[str]:
    """The text of `key` in the reader's language; `{name}` in it is replaced by values["name"].

    `fallback` among the values is said for a key that no catalogue has.
    A literal key that is not in the catalogue fails the build with KeyError.
    """
    if isinstance(key, str) and key not in catalogue("zh"):
        raise KeyError(f"no text for {key!r}")
    key_var, value_var = rx.Var.create(key), rx.Var.create(values)
    return rx.Var(
        _js_expr=f"t({key_var!s}, {value_var!s})",
        _var_type=str,
        _var_data=VarData.merge(_needs, key_var._get_all_var_data(), value_var._get_all_var_data()),
    )


def language() -> rx.Var[str]:
    """The reader's language, `zh` or `en`."""
    return rx.Var(_js_expr='t("ui.language_code")', _var_type=str, _var_data=_needs)


def switch_language(to: str = "") -> EventSpec:
    """Switches (to the other one without `to`) in the browser and remembers it in a cookie; no event is sent."""
    if to and to not in LANGUAGES:
        raise ValueError(f"no language {to!r}")
    # Without a Var in it: a handler is compiled apart from the component whose hook `t` is.
    tag = "setLanguage" if to else "otherLanguage"
    set_language: rx.Var[Any] = rx.Var(
        _js_expr=f"(() => {tag}({json.dumps(to)}))",
        _var_data=VarData(imports={_script.importable_path: [rx.ImportVar(tag=tag)]}),
    )
    return rx.call_function(set_language)
