"""The viewer in the browser: Cornerstone3D behind one Reflex component, and the controls the tool bar shares with it.

What moves with the hand (scrolling, windowing, corner texts, loading) never leaves the browser.
"""

from typing import Any

import reflex as rx
from reflex.event import EventChain
from reflex_base.vars import VarData

_SCRIPTS = {
    name: rx.asset(name, shared=True)
    for name in (
        "controls.js",
        "cornerstone.jsx",
        "corners.jsx",
        "dicomweb.js",
        "prefetch.js",
        "stack.js",
        "viewport.jsx",
    )
}
_CONTROLS = _SCRIPTS["controls.js"].importable_path


class CornerstoneViewer(rx.NoSSRComponent):
    """Shows one study. Reads `/dicom-web` of its own origin with the reader's cookie; takes no address."""

    library = _SCRIPTS["cornerstone.jsx"].importable_path
    tag = "Viewer"
    lib_dependencies: list[str] = [
        "@cornerstonejs/core@5.14.0",
        "@cornerstonejs/dicom-image-loader@5.14.0",
        "@cornerstonejs/metadata@5.14.0",
        "@cornerstonejs/tools@5.14.0",
        "@cornerstonejs/utils@5.14.0",
        "@kitware/vtk.js@36.4.1",
        "d3-array@3.2.4",
        "d3-interpolate@3.0.1",
        "dicom-parser@1.8.21",
        "events@3.3.0",  # without it the build is green and the page fails: "Class extends value undefined"
        "gl-matrix@3.4.3",
    ]

    study_uid: rx.Var[str]
    series_uid: rx.Var[str]  # which series to begin with; empty: the first that has images
    strip: rx.Var[bool]  # series in a row below the images, where something else stands beside them
    texts: rx.Var[dict[str, str]]  # the words on the image, placeholders kept

    @classmethod
    def get_event_triggers(cls) -> dict[str, Any]:
        """`on_series`: [{uid, number, description, modality, count}]; `on_ready`: the first image of a series is on
        the screen; `on_error`: network, session_over or not_visible.
        """
        return {
            **super().get_event_triggers(),
            "on_series": lambda series: [series],
            "on_ready": lambda: [],
            "on_error": lambda word: [word],
        }


cornerstone_viewer = CornerstoneViewer.create


def control(name: str, type_: type = str) -> rx.Var[Any]:
    """A control as the browser holds it: `tool`, `preset`, `inverted`, `hounsfield` (of controls.js)."""
    needs = VarData(
        imports={_CONTROLS: [rx.ImportVar(tag="useControls")]}, hooks={"const controls = useControls()": None}
    )
    return rx.Var(_js_expr=f"controls.{name}", _var_type=type_, _var_data=needs)


def change(**controls: object) -> rx.Var[EventChain]:
    """Sets controls in the browser, on click; asks the server nothing."""
    return _call("change", f"change({rx.Var.create(controls)!s})")


def toggle(name: str) -> rx.Var[EventChain]:
    return _call("change", f"change({{{name}: !controls().{name}}})", "controls")


def pick(**controls: object) -> rx.Var[EventChain]:
    """`change`, from a button of a menu or sheet, which it closes."""
    return _call("pick", f"pick({rx.Var.create(controls)!s}, event.target)", takes="event")


def perform(name: str) -> rx.Var[EventChain]:
    """`reset`: fit the image, its own window, not inverted."""
    return _call("perform", f"perform({name!r})")


def open_sheet(element_id: str) -> rx.Var[EventChain]:
    return _call("openSheet", f"openSheet({element_id!r})")


def _call(tag: str, expression: str, *more: str, takes: str = "") -> rx.Var[EventChain]:
    imports = {_CONTROLS: [rx.ImportVar(tag=name) for name in (tag, *more)]}
    return rx.Var(
        _js_expr=f"(({takes}) => {expression})", _var_type=EventChain, _var_data=VarData(imports=imports)
    )
