"""The room around the images: bar with patient and study, tools on the PC above, on the phone below."""

from typing import Any

import reflex as rx
from reflex_base.vars import VarData

from mip_app.core.actor import Permission
from mip_app.core.i18n import t
from mip_app.studies.heading import phone_study_bar, study_bar
from mip_app.ui.state import may
from mip_app.viewer.cornerstone import change, control, cornerstone_viewer, open_sheet, perform, pick, toggle
from mip_app.viewer.state import ViewerState

# Words the viewer draws itself, on the image and where there is none; {placeholders} stay for it to fill.
_PLACEHOLDERS = {name: f"{{{name}}}" for name in ("n", "total", "w", "l", "uid", "what")}
_DRAWN = (
    *("all_series", "done", "series", "images", "objects", "slices", "slice", "loaded", "position", "window"),
    *("zoom", "synthetic", "unknown_name", "sex_M", "sex_F", "sex_O", "age_Y", "age_M", "age_D", "loading"),
    *("retry", "network", "session_over", "not_visible", "no_images", "unsupported", "unsupported_pixels"),
    *("damaged", "not_an_image", "object_SR", "object_PR", "object_KO", "object_DOC", "object_SEG"),
    *("object_RTSTRUCT", "object_RTPLAN", "object_REG", "object_ECG", "object_other"),
)

# name, icon, key on the keyboard
_TOOLS = (
    ("window", "contrast", "W"),
    ("zoom", "zoom-in", "Z"),
    ("pan", "move", "P"),
    ("scroll", "layers", "S"),
)
# name, width and centre as shown, key; the numbers that are applied stand in stack.js
_PRESETS = (
    ("lung", "1500 / -600", "1"),
    ("mediastinum", "400 / 40", "2"),
    ("bone", "2000 / 500", "3"),
    ("brain", "80 / 40", "4"),
    ("abdomen", "350 / 50", "5"),
    ("auto", "", "0"),
)

# The study of the page's address, known before the server says anything, so that images start at once.
_STUDY_UID = rx.Var(
    _js_expr="params.study_uid",
    _var_type=str,
    _var_data=VarData(
        imports={"react-router": [rx.ImportVar(tag="useParams")]}, hooks={"const params = useParams()": None}
    ),
).to(str)
_STUDY: Any = ViewerState.study


def viewer_room() -> rx.Component:
    return rx.el.div(
        _bar(),
        _phone_bar(),
        _tool_bar(),
        rx.el.div(
            cornerstone_viewer(study_uid=_STUDY_UID, texts=_texts()),
            class_name="min-h-0 flex-1",
        ),
        _phone_tools(),
        _window_sheet(),
        class_name="flex h-dvh flex-col overflow-hidden",
    )


def study_images(study_uid: rx.Var[str]) -> rx.Component:
    """The images of a study beside something else: tools above, series below."""
    return rx.fragment(
        _tool_bar(),
        rx.el.div(
            cornerstone_viewer(study_uid=study_uid, strip=True, texts=_texts()),
            class_name="min-h-0 flex-1",
        ),
    )


def _texts() -> dict[str, rx.Var[str]]:
    return {"back": t("studies.back"), **{name: t(f"viewer.{name}", **_PLACEHOLDERS) for name in _DRAWN}}


def _bar() -> rx.Component:
    return study_bar(
        _STUDY,
        rx.cond(
            (_STUDY.uid != "") & may(Permission.REPORT_READ),
            rx.el.a(
                _icon("file-pen-line"),
                rx.cond(_to_be_written(), t("viewer.write_report"), t("viewer.report")),
                href=_report_address(),
                class_name=rx.cond(_to_be_written(), "btn btn-primary btn-sm", "btn btn-sm"),
            ),
        ),
    )


def _phone_bar() -> rx.Component:
    return phone_study_bar(
        _STUDY,
        rx.cond(
            (_STUDY.uid != "") & may(Permission.REPORT_READ),
            rx.el.a(
                t("viewer.report"),
                href=_report_address(),
                class_name="btn btn-ghost font-medium text-primary",
            ),
        ),
    )


def _to_be_written() -> rx.Var[bool]:
    return may(Permission.REPORT_WRITE) & rx.Var.create(["none", "draft", "returned"]).contains(_STUDY.status)


def _report_address() -> rx.Var[str]:
    return rx.Var.create("/reports/") + _STUDY_UID


def _icon(name: str, size: str = "") -> rx.Component:
    return rx.icon(name, class_name=f"ico {size}", custom_attrs={"aria-hidden": "true"})


def _tool_bar() -> rx.Component:
    return rx.el.div(
        *(_tool_button(*tool) for tool in _TOOLS),
        _rule(),
        _bar_button("blend", "viewer.invert", "I", toggle("inverted"), control("inverted", bool)),
        _bar_button("undo-2", "viewer.reset", "Space", perform("reset")),
        rx.cond(control("hounsfield", bool), rx.fragment(_rule(), _window_menu())),
        role="toolbar",
        aria_label=t("viewer.tools"),
        class_name="flex h-11 flex-none items-center gap-0.5 border-b border-base-300 bg-base-100 px-2 max-lg:hidden",
    )


def _rule() -> rx.Component:
    return rx.el.span(class_name="mx-1.5 h-5 w-px bg-base-300", aria_hidden="true")


def _tool_button(name: str, icon: str, key: str) -> rx.Component:
    return _bar_button(icon, f"viewer.tool_{name}", key, change(tool=name), control("tool") == name)


def _bar_button(
    icon: str, label: str, key: str, on_click: rx.Var, pressed: rx.Var[bool] | None = None
) -> rx.Component:
    state = {} if pressed is None else {"aria_pressed": pressed}
    return rx.el.button(
        _icon(icon, "text-[1.125rem]"),
        title=f"{t(label)} ({key})",
        aria_label=t(label),
        on_click=on_click,
        class_name="btn btn-ghost btn-sm btn-square aria-pressed:bg-wash aria-pressed:text-primary",
        **state,
    )


def _window_menu() -> rx.Component:
    current = rx.match(
        control("preset"),
        *((name, t(f"viewer.preset_{name}")) for name, _, _ in _PRESETS),
        t("viewer.preset_custom"),
    )
    return rx.el.details(
        rx.el.summary(
            _icon("sun", "text-[1.125rem]"),
            current,
            _icon("chevron-down", "text-xs text-muted"),
            class_name="btn btn-ghost btn-sm gap-1 px-2 font-normal",
        ),
        rx.el.ul(
            *(
                rx.el.li(
                    rx.el.button(
                        rx.el.span(t(f"viewer.preset_{name}"), class_name="w-20 flex-none"),
                        rx.el.span(numbers, class_name="num text-muted"),
                        rx.el.kbd(key, class_name="ml-auto text-xs text-muted"),
                        on_click=pick(preset=name),
                        class_name="flex h-9 w-full items-center gap-2.5 rounded px-2.5 text-left hover:bg-base-300",
                    )
                )
                for name, numbers, key in _PRESETS
            ),
            class_name="dropdown-content z-30 mt-1 w-60 rounded-box border border-base-300 bg-base-100 p-1 text-sm shadow-sheet",
        ),
        class_name="dropdown",
    )


def _phone_tools() -> rx.Component:
    windowing = rx.cond(
        control("hounsfield", bool),
        _phone_button(
            "contrast", "viewer.tool_window_short", open_sheet("viewer-window"), control("tool") == "window"
        ),
        _phone_button(
            "contrast", "viewer.tool_window_short", change(tool="window"), control("tool") == "window"
        ),
    )
    return rx.el.nav(
        _phone_button("gallery-vertical-end", "viewer.series_list", open_sheet("viewer-series")),
        _phone_button("layers", "viewer.tool_scroll", change(tool="scroll"), control("tool") == "scroll"),
        windowing,
        _phone_button("move", "viewer.tool_pan", change(tool="pan"), control("tool") == "pan"),
        _phone_button("blend", "viewer.invert", toggle("inverted"), control("inverted", bool)),
        _phone_button("undo-2", "viewer.reset", perform("reset")),
        aria_label=t("viewer.tools"),
        class_name="flex flex-none border-t border-base-300 bg-base-100 pb-safe lg:hidden",
    )


def _phone_button(
    icon: str, label: str, on_click: rx.Var, pressed: rx.Var[bool] | None = None
) -> rx.Component:
    state = {} if pressed is None else {"aria_pressed": pressed}
    return rx.el.button(
        _icon(icon, "text-2xl"),
        t(label),
        on_click=on_click,
        class_name="tap flex flex-1 flex-col items-center justify-center gap-1 py-2 text-xs aria-pressed:text-primary",
        **state,
    )


def _window_sheet() -> rx.Component:
    """Choosing 窗位 on the phone: a finger windows from then on, and a preset may be taken first."""
    return rx.el.dialog(
        rx.el.h2(t("viewer.windows"), class_name="px-4 pt-2 pb-1 text-base text-muted"),
        *(
            rx.el.button(
                t(f"viewer.preset_{name}"),
                rx.el.span(numbers, class_name="num ml-auto text-base text-muted"),
                rx.el.span(rx.cond(control("preset") == name, _icon("check")), class_name="ml-3 w-5"),
                on_click=pick(preset=name, tool="window"),
                class_name="flex h-12 w-full items-center px-4 text-lg aria-pressed:text-primary",
                aria_pressed=control("preset") == name,
            )
            for name, numbers, _ in _PRESETS
        ),
        id="viewer-window",
        class_name="sheet",
        aria_label=t("viewer.windows"),
    )
