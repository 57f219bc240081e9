"""Attackers have browsers too."""

from tests.e2e.conftest import browser, someone

__all__ = ["browser", "someone"]
