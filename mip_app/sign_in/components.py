"""Pieces of the pages on which somebody proves who they are."""

from typing import Any

import reflex as rx

from mip_app.core.i18n import t
from mip_app.ui.shell import brand

_FORMS = rx.asset("forms.jsx", shared=True).importable_path


def _what_is_typed(text: rx.Var[str]) -> list[rx.Var[str]]:
    return [text]


def _nothing() -> list[rx.Var[Any]]:
    return []


class CodeInput(rx.NoSSRComponent):
    """Six boxes that send `code` with the form around them; `round` empties them.

    `alone` in their form (the default) they take the focus, and send it when they are full.
    """

    library = _FORMS
    tag = "CodeInput"

    label: rx.Var[str]
    round: rx.Var[int]
    invalid: rx.Var[bool]
    alone: rx.Var[bool]


class PasswordInput(rx.NoSSRComponent):
    """`fresh`: a new one, which the browser may propose. `on_type` hears what is typed: debounce it."""

    library = _FORMS
    tag = "PasswordInput"

    name: rx.Var[str]
    fresh: rx.Var[bool]
    invalid: rx.Var[bool]
    described_by: rx.Var[str]

    @classmethod
    def get_event_triggers(cls) -> dict[str, Any]:
        return super().get_event_triggers() | {"on_type": _what_is_typed}


class Again(rx.NoSSRComponent):
    """Another code, after `wait` seconds from `round` on."""

    library = _FORMS
    tag = "Again"

    wait: rx.Var[int]
    round: rx.Var[int]

    @classmethod
    def get_event_triggers(cls) -> dict[str, Any]:
        return super().get_event_triggers() | {"on_again": _nothing}


class PostNow(rx.NoSSRComponent):
    library = _FORMS
    tag = "PostNow"

    form: rx.Var[str]


def card(
    head: rx.Component | rx.Var[Any], *content: rx.Component, whose: rx.Var[Any] | str = ""
) -> rx.Component:
    """A page of one step: the whole phone, a card on the PC, which stays where it is from step to step."""
    return rx.el.main(
        rx.el.div(
            rx.el.header(
                brand(),
                rx.el.span(head, class_name="ml-auto min-w-0 truncate text-sm text-muted", title=whose),
                class_name="flex items-center gap-2.5 pt-6 lg:pt-0",
            ),
            *content,
            class_name=(
                "w-full lg:mt-[14dvh] lg:mb-10 lg:w-[28rem] lg:rounded-box lg:border lg:border-base-300 lg:bg-base-100 lg:p-10"
            ),
        ),
        class_name=(
            "mx-auto flex min-h-dvh max-w-md flex-col bg-base-100 px-6 pt-safe pb-safe "
            "lg:max-w-none lg:items-center lg:bg-base-200"
        ),
    )


def enrolment(state: Any) -> rx.Component:
    """What the app has to read: `state` has `qr` and `key`."""
    return rx.el.div(
        rx.el.img(src=state.qr, alt=t("second_factor.qr"), class_name="mx-auto size-48 bg-white"),
        rx.el.p(t("second_factor.by_hand"), class_name="mt-3 text-sm text-muted"),
        rx.el.p(state.key, id="second-factor-key", class_name="num text-base break-all select-all"),
        class_name="mt-6",
    )


def title(words: rx.Var[str], more: rx.Var[Any] | rx.Component) -> rx.Component:
    return rx.fragment(
        rx.el.h1(words, class_name="mt-8 text-2xl font-semibold"),
        rx.el.p(more, class_name="mt-1 text-muted"),
    )


def field(element_id: str, label: str, control: rx.Component, *more: rx.Component) -> rx.Component:
    return rx.el.div(
        rx.el.label(t(label), html_for=element_id, class_name="text-muted"),
        control,
        *more,
        class_name="flex flex-col gap-1.5",
    )


def refusal(key: Any, minutes: Any = "", seconds: Any = "", element_id: str = "refused") -> rx.Component:
    """Why it did not go on, below the field; nothing where nothing was refused."""
    return rx.cond(
        key != "",
        rx.el.p(
            rx.icon("circle-alert", class_name="ico shrink-0"),
            t(key, minutes=minutes, seconds=seconds),
            role="alert",
            id=element_id,
            class_name="mt-1.5 flex items-center gap-1.5 text-sm text-error",
        ),
    )


def phone_input(element_id: str = "phone") -> rx.Component:
    return rx.el.input(
        id=element_id,
        name="phone",
        type="tel",
        input_mode="tel",
        auto_complete="tel-national",
        required=True,
        max_length=20,
        class_name="input num w-full",
    )


def submit(words: str, element_id: str, class_name: str = "btn btn-primary w-full") -> rx.Component:
    return rx.el.button(t(words), type="submit", id=element_id, class_name=class_name)


def code_step(state: Any, words: str, on_submit: Any, on_again: Any = None) -> rx.Component:
    """Six boxes; `state` has `refused`, `round`, and, where a code can be sent again, `wait` and `sends`."""
    return rx.el.form(
        CodeInput.create(label=t("code.label"), round=state.round, invalid=state.refused != ""),
        refusal(state.refused, state.minutes),
        rx.el.div(
            submit(words, "send-code-typed"),
            Again.create(wait=state.wait, round=state.sends, on_again=on_again)
            if on_again
            else rx.fragment(),
            class_name="mt-6 flex flex-col gap-2",
        ),
        on_submit=on_submit,
        class_name="mt-6",
    )


def new_password(state: Any) -> rx.Component:
    """Twice, with what it must be, shown while it is typed. `state` has what `Judging` keeps."""
    return rx.fragment(
        field(
            "new-password",
            "password.new",
            PasswordInput.create(
                id="new-password",
                name="password",
                fresh=True,
                described_by="password-rules",
                on_type=state.judge.debounce(300),
            ),
        ),
        _strength(state),
        rx.el.ul(
            _rule(state.long, "password.rule_long"),
            _rule(state.other, "password.rule_other"),
            _rule(state.uncommon, "password.rule_uncommon"),
            id="password-rules",
            class_name="mt-3 space-y-1.5 text-sm",
        ),
        rx.el.div(
            field(
                "new-password-again",
                "password.again",
                PasswordInput.create(
                    id="new-password-again",
                    name="again",
                    fresh=True,
                    invalid=state.refused == "password.differ",
                    described_by="refused",
                ),
            ),
            refusal(state.refused, state.minutes),
            class_name="mt-5",
        ),
    )


def _strength(state: Any) -> rx.Component:
    colour = rx.match(
        state.bars,
        (3, "h-1 flex-1 rounded-full bg-success"),
        (2, "h-1 flex-1 rounded-full bg-warning"),
        "h-1 flex-1 rounded-full bg-error",
    )
    return rx.el.div(
        *(
            rx.el.span(class_name=rx.cond(state.bars >= bar, colour, "h-1 flex-1 rounded-full bg-base-300"))
            for bar in (1, 2, 3)
        ),
        role="img",
        aria_label=rx.match(
            state.bars,
            (3, t("password.strong")),
            (2, t("password.fair")),
            (1, t("password.poor")),
            t("password.none"),
        ),
        class_name="mt-2 flex gap-1",
    )


def _rule(kept: Any, words: str) -> rx.Component:
    return rx.el.li(
        rx.cond(kept, rx.icon("check", class_name="ico"), rx.icon("circle", class_name="ico")),
        t(words),
        rx.cond(kept, rx.el.span(t("password.rule_kept"), class_name="sr-only")),
        class_name=rx.cond(
            kept, "flex items-center gap-2 text-success", "flex items-center gap-2 text-muted"
        ),
    )
