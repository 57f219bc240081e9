"""The one place that asks what time it is, so that a rule can be tried at any time."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    return datetime.now(UTC)
