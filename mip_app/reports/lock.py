"""Rules of the edit lock. No database, no clock, no framework: everything comes in.

The fence rises with each holder and each window of a holder: whoever writes under an older one is refused.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

IDLE = timedelta(minutes=30)


class Ended(StrEnum):
    """Why a fence is over, for whoever held it."""

    SAVED = "saved"
    SIGNED = "signed"
    RETURNED = "returned"
    LEFT = "left"
    EXPIRED = "expired"
    TAKEN_OVER = "taken_over"
    OTHER_WINDOW = "other_window"


@dataclass(frozen=True, slots=True)
class Lock:
    holder_id: int | None = None
    holder: str = ""
    fence: int = 0
    since: datetime | None = None
    last_input_at: datetime | None = None
    expires_at: datetime | None = None
    listed_until: datetime | None = None  # what the study list was told
    ended_fence: int = 0  # the last fence that ended, why, by whom, and which version kept its text
    ended_why: str = ""
    ended_by: str = ""
    ended_version: int = 0

    def held_at(self, now: datetime) -> bool:
        return self.holder_id is not None and self.expires_at is not None and now < self.expires_at

    def expired_at(self, now: datetime) -> bool:
        return self.holder_id is not None and not self.held_at(now)

    def held_by(self, user_id: int | None, now: datetime) -> bool:
        return user_id is not None and self.held_at(now) and self.holder_id == user_id

    def good(self, user_id: int | None, fence: int | None, now: datetime) -> bool:
        """Whether `user_id` may still write under `fence`."""
        return self.held_by(user_id, now) and self.fence == fence

    def taken(self, user_id: int, name: str, now: datetime) -> "Lock | None":
        """The lock after `user_id` asks for it, or None when somebody else has it.

        Asking from a second window ends the fence of the first: two windows never write in turns.
        """
        if self.held_at(now) and self.holder_id != user_id:
            return None
        before = self.ended(Ended.OTHER_WINDOW, name) if self.held_at(now) else self
        return replace(
            before,
            holder_id=user_id,
            holder=name,
            fence=self.fence + 1,
            since=self.since if self.held_by(user_id, now) else now,
            last_input_at=now,
            expires_at=now + IDLE,
            listed_until=now + IDLE,
        )

    def taken_over(self, user_id: int, name: str, now: datetime, version: int) -> "Lock":
        """The lock after somebody who may took it from its holder, whose text is now `version`."""
        taken = self.ended(Ended.TAKEN_OVER, name, version).taken(user_id, name, now)
        assert taken is not None  # it has no holder any more
        return taken

    def renewed(self, now: datetime) -> "Lock":
        """After input. The list is told to the minute only: it would be busy with every word otherwise."""
        until = now + IDLE
        told = self.listed_until
        late = told is None or until - told >= timedelta(minutes=1)
        return replace(self, last_input_at=now, expires_at=until, listed_until=until if late else told)

    def ended(self, why: Ended, by: str = "", version: int = 0) -> "Lock":
        return replace(
            self,
            holder_id=None,
            holder="",
            since=None,
            last_input_at=None,
            expires_at=None,
            listed_until=None,
            ended_fence=self.fence,
            ended_why=why,
            ended_by=by,
            ended_version=version,
        )
