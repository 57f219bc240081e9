"""What is known of this installation's demo: when it began, how far it is, and its accounts."""

import json
import os
from pathlib import Path
from typing import Any

from mip_app.core.settings import settings


def _path() -> Path:
    return settings().data_dir / "demo.json"


def note() -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(_path().read_text("utf-8"))
    except FileNotFoundError:
        return {}
    return found


def keep(noted: dict[str, Any]) -> None:
    # Passwords lie here, as the command that tells them needs: for this user alone.
    part = _path().with_suffix(".part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        json.dump(noted, out, ensure_ascii=False, indent=1)
    part.replace(_path())


def is_whole() -> bool:
    return bool(note().get("whole"))
