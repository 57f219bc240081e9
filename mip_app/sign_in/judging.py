"""What pages that set a password or ask for a code have in common."""

from collections.abc import Mapping
from typing import Any

import reflex as rx

from mip_app.accounts.password_policy import Judgement
from mip_app.core.errors import MipError
from mip_app.sign_in.codes import Sent


class Judging(rx.State, mixin=True):
    """Of the password itself nothing is kept."""

    long: bool = False
    other: bool = False
    uncommon: bool = False
    bars: int = 0
    refused: str = ""  # a key of the catalogue
    minutes: str = ""
    round: int = 0  # raised when a code was refused
    wait: int = 0  # seconds before another code may be asked for
    sends: int = 0

    def _show(self, judged: Judgement) -> None:
        self.long, self.other = judged.long, judged.other
        self.uncommon, self.bars = judged.uncommon, judged.bars

    def _refuse(self, error: MipError | str) -> None:
        self.refused = error.code if isinstance(error, MipError) else error
        self.minutes = error.detail.get("minutes", "") if isinstance(error, MipError) else ""
        self.round += 1

    def _sent(self, sent: Sent) -> bool:
        """Whether a code is on its way, as far as anybody is told."""
        self.refused, self.wait = sent.error, sent.wait
        self.minutes = str(max(1, round(sent.wait / 60)))
        self.sends += 1
        return not sent.error


def typed(form: object, name: str) -> Any:
    """A field of what a form sent: whatever came, for the service to judge."""
    return form.get(name) if isinstance(form, Mapping) else None
