"""Above the text: who is writing, and what else has to be said."""

import reflex as rx

from mip_app.core.i18n import t
from mip_app.reports.components import LOCK, REPORT, can, icon
from mip_app.reports.draft import LIMIT
from mip_app.reports.editor import act, call, clock, desk, show

# ---- the lock ----

_CALM = "flex min-h-11 flex-none items-center gap-2 px-4 text-base lg:min-h-10 lg:text-sm "
_WARN = "flex min-h-14 flex-none items-center gap-3 border-b border-base-300 bg-wash-warn py-2 pr-2 pl-4 text-base lg:pr-3 lg:text-sm"


def lock_bar() -> rx.Component:
    """Who writes. Spoken aloud when it changes; insistently when the time runs out."""
    return rx.el.div(
        rx.cond(
            desk("offline", bool),
            rx.cond(desk("writing", bool) | desk("dirty", bool), _offline(), _offline_reading()),
            rx.cond(
                desk("writing", bool),
                rx.cond(clock(LOCK, "expiring", bool), _expiring(), _mine()),
                rx.cond(
                    LOCK.holder == "",
                    _free(),
                    rx.cond(LOCK.mine, _elsewhere(), _theirs()),
                ),
            ),
        ),
        aria_live=rx.cond(clock(LOCK, "expiring", bool) & desk("writing", bool), "assertive", "polite"),
        id="lock",
    )


def _warning(
    sign: str, line: rx.Component | rx.Var[str], more: rx.Component | rx.Var[str], *acts: rx.Component
) -> rx.Component:
    return rx.el.div(
        rx.el.span(icon(sign), class_name="text-xl text-warning"),
        rx.el.span(
            rx.el.span(line, class_name="num block font-medium text-warning"),
            rx.el.span(more, class_name="num block text-sm text-muted"),
            class_name="min-w-0 flex-1 leading-snug",
        ),
        rx.el.span(*acts, class_name="flex flex-none gap-1.5"),
        class_name=_WARN,
    )


def _offline() -> rx.Component:
    return _warning(
        "cloud-off",
        t("report.offline"),
        t("report.offline_kept"),
        rx.cond(
            desk("dirty", bool),
            rx.el.span(
                t("report.unsent", n=desk("unsent", int)),
                class_name="num text-sm whitespace-nowrap text-muted",
            ),
        ),
    )


def _offline_reading() -> rx.Component:
    return _warning("wifi-off", t("report.offline"), t("report.offline_reading"))


def _expiring() -> rx.Component:
    return _warning(
        "timer",
        t("report.expiring", left=clock(LOCK, "left")),
        t("report.expiring_idle", n=clock(LOCK, "idle", int)),
        rx.el.button(
            t("report.save"), on_click=act("save"), class_name="btn btn-ghost font-normal lg:btn-sm"
        ),
        rx.el.button(
            t("report.keep_editing"),
            id="keep-editing",
            on_click=act("renew"),
            class_name="btn btn-primary lg:btn-sm",
        ),
    )


def _mine() -> rx.Component:
    mine = rx.match(
        REPORT.status,
        ("preliminary", t("report.reviewing")),
        ("final", t("report.amending")),
        ("amended", t("report.amending")),
        t("report.mine"),
    )
    more = rx.cond(
        REPORT.status == "preliminary",
        t("report.signed_by", who=REPORT.preliminary, at=REPORT.preliminary_at),
        t("report.others_read"),
    )
    return rx.el.div(
        rx.el.span(icon("pen-line"), class_name="text-primary"),
        rx.el.span(
            rx.el.span(mine, class_name="font-medium whitespace-nowrap text-primary"),
            rx.el.span(t("report.comma"), more, class_name="max-lg:hidden"),
        ),
        rx.el.span(
            _saved(),
            class_name="num ml-auto flex items-center gap-1.5 text-sm whitespace-nowrap text-muted",
            id="saved",
        ),
        class_name=_CALM + "bg-wash",
    )


def _saved() -> rx.Component:
    """The line of autosave: what is stored, or that something is not yet."""
    return rx.cond(
        desk("dirty", bool),
        rx.fragment(icon("cloud"), t("report.not_saved_yet")),
        rx.cond(
            desk("savedAt") != "", rx.fragment(icon("cloud-check"), t("report.autosaved", at=desk("savedAt")))
        ),
    )


def _theirs() -> rx.Component:
    return _warning(
        "lock",
        t("report.theirs", who=LOCK.holder),
        rx.fragment(
            t("report.since", since=LOCK.since),
            t("report.comma"),
            rx.el.span(_last_input(), t("report.full_stop"), class_name="max-lg:hidden"),
            t("report.follows"),
            rx.el.span(t("report.only_read"), class_name="max-lg:hidden"),
        ),
        rx.cond(
            can("take_over"),
            rx.el.button(
                t("report.take_over"),
                id="open-take-over",
                on_click=show("take-over"),
                class_name="btn lg:btn-sm",
            ),
        ),
    )


def _last_input() -> rx.Var[str]:
    idle = clock(LOCK, "idle", int)
    return rx.cond(idle > 0, t("report.input_minutes", n=idle), t("report.input_now"))


def _elsewhere() -> rx.Component:
    return _warning(
        "pen-line",
        t("report.elsewhere"),
        t("report.elsewhere_more"),
        rx.el.button(t("report.continue_here"), id="edit", on_click=call("edit"), class_name="btn lg:btn-sm"),
    )


def _free() -> rx.Component:
    waiting = rx.match(
        REPORT.status,
        ("preliminary", t("report.signed_by", who=REPORT.preliminary, at=REPORT.preliminary_at)),
        ("final", t("report.reviewed_by", who=REPORT.reviewed, at=REPORT.reviewed_at)),
        ("amended", t("report.reviewed_by", who=REPORT.reviewed, at=REPORT.reviewed_at)),
        t("report.nobody_writes"),
    )
    return rx.el.div(
        rx.el.span(waiting, class_name="num min-w-0 truncate text-muted"),
        rx.cond(
            can("write"),
            rx.el.button(
                icon("pen-line"),
                t("report.edit"),
                id="edit",
                on_click=call("edit"),
                disabled=desk("taking", bool),
                class_name="btn btn-ghost -mr-2 ml-auto text-primary lg:btn-sm",
            ),
        ),
        class_name=_CALM + "border-b border-base-300 bg-base-100",
    )


# ---- what has to be said ----


def messages() -> rx.Component:
    return rx.fragment(
        rx.cond(
            desk("notice") != "",
            _message(
                "circle-alert",
                t(desk("notice"), who=desk("who"), n=desk("n", int), kb=LIMIT // 1024),
                rx.el.button(
                    icon("x"),
                    on_click=call("dismiss"),
                    aria_label=t("ui.close"),
                    class_name="btn btn-ghost btn-sm btn-square",
                ),
                role="alert",
                id="notice",
            ),
        ),
        rx.cond(
            desk("tooLong", bool),
            _message("circle-alert", t("report.too_long", kb=LIMIT // 1024), role="alert"),
        ),
        rx.cond(
            desk("backup") != "",
            _message(
                "history",
                rx.cond(
                    desk("moved", bool),
                    t("report.backup_moved", at=desk("backup")),
                    t("report.backup", at=desk("backup")),
                ),
                rx.el.button(
                    t("report.discard"),
                    on_click=call("discard"),
                    class_name="btn btn-ghost btn-sm font-normal",
                ),
                rx.el.button(
                    rx.cond(desk("moved", bool), t("report.keep_as_version"), t("report.restore")),
                    id="restore",
                    on_click=call("restore"),
                    class_name="btn btn-sm",
                ),
                role="status",
            ),
        ),
        rx.cond(
            (REPORT.reason != "") & ((REPORT.status == "returned") | REPORT.amending),
            _message(
                "corner-up-left",
                rx.cond(
                    REPORT.amending,
                    t("report.amending_because", reason=REPORT.reason),
                    t("report.returned_because", reason=REPORT.reason),
                ),
                role="note",
            ),
        ),
    )


def _message(sign: str, line: rx.Component | rx.Var[str], *acts: rx.Component, **props: str) -> rx.Component:
    return rx.el.div(
        icon(sign, "mt-0.5 text-warning"),
        rx.el.span(line, class_name="num min-w-0 flex-1 break-words"),
        rx.el.span(*acts, class_name="-my-1 flex flex-none items-center gap-1"),
        class_name="flex flex-none items-start gap-2 border-b border-base-300 bg-wash-warn px-4 py-2 text-base lg:text-sm",
        **props,
    )
