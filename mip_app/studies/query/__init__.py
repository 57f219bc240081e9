"""Searching patients, studies, series and instances: one service below QIDO-RS and C-FIND."""

from mip_app.studies.query.asked import ALL, Asked, Found, Level
from mip_app.studies.query.service import find, find_text

__all__ = ["ALL", "Asked", "Found", "Level", "find", "find_text"]
