"""Bringing the database to this version's tables."""

import logging
import sys

from alembic.config import Config

from alembic import command
from mip_app.core.settings import settings
from mip_app.serving.bundle import ROOT


def configuration() -> Config:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "alembic"))
    return config


def migrate() -> None:
    """Make the data folder and run what the database has not seen yet; nothing when it is current."""
    if not settings().database_url:
        settings().data_dir.mkdir(parents=True, exist_ok=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    command.upgrade(configuration(), "head")
    sys.stdout.flush()


def write_revision(what_changes: str) -> None:
    """For developers: a new migration in `alembic/versions`, numbered on from the last."""
    migrate()
    number = len(list((ROOT / "alembic" / "versions").glob("*.py"))) + 1
    command.revision(configuration(), what_changes, autogenerate=True, rev_id=f"{number:04}")
