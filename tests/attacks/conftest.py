"""Attackers have browsers too."""

from tests.e2e.conftest import someone

__all__ = ["someone"]
