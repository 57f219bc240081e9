"""The rows of an installation: all of them, whose they are, and how to put them back."""

import sqlite3
from collections import defaultdict
from typing import Any

from sqlalchemy import Table, delete, insert, select, text
from sqlmodel import SQLModel

import mip_app.serving.tables  # noqa: F401  knows every table
from mip_app.core import database

Row = tuple[Any, ...]
Rows = dict[str, dict[Row, Row]]  # table → primary key → row

# Written by clocks and by every act, never taken back.
PASSING = ("audit", "change", "alembic")


def tables() -> list[Table]:
    """Those that others refer to come first."""
    return [one for one in SQLModel.metadata.sorted_tables if not one.name.startswith(PASSING)]


def read() -> Rows:
    with database.engine(read_only=True).connect() as connection:
        return {
            table.name: {
                tuple(getattr(row, column.name) for column in table.primary_key): tuple(map(_frozen, row))
                for row in connection.execute(select(table))
            }
            for table in tables()
        }


def _frozen(value: Any) -> Any:
    return repr(value) if isinstance(value, list | dict) else value


def keep() -> dict[str, list[dict[str, Any]]]:
    with database.engine(read_only=True).connect() as connection:
        return {one.name: [dict(row._mapping) for row in connection.execute(select(one))] for one in tables()}


def put_back(kept: dict[str, list[dict[str, Any]]], names: set[str]) -> None:
    """Give these tables the rows they had, and those whose rows go with theirs."""
    gone: set[str] = set()
    for table in tables():  # those that others refer to come first
        cascades = {key.column.table.name for key in table.foreign_keys if key.ondelete == "CASCADE"}
        if table.name in names or cascades & gone:
            gone.add(table.name)
    changed = [table for table in tables() if table.name in gone]
    with database.engine().begin() as connection:
        connection.execute(text("PRAGMA defer_foreign_keys=ON"))
        for table in reversed(changed):
            connection.execute(delete(table))
        for table in changed:
            if kept[table.name]:
                connection.execute(insert(table), kept[table.name])


def differing(before: Rows, after: Rows) -> set[str]:
    return {name for name in before if before[name] != after[name]}


def belonging(rows: Rows, seeds: set[tuple[str, Any]]) -> Rows:
    """The seeds `(table, id)`, and whatever refers to them, or to what refers to them."""
    theirs = set(seeds)
    found: Rows = defaultdict(dict)
    institutions = {key for name, key in seeds if name == "institution"}
    for table in tables():
        position = {column.name: place for place, column in enumerate(table.columns)}
        for key, row in rows[table.name].items():
            refers = any(
                (foreign.column.table.name, row[position[column.name]]) in theirs
                for column in table.columns
                for foreign in column.foreign_keys
            )
            of = position.get("institution_id")
            if refers or (table.name, key[0]) in theirs or (of is not None and row[of] in institutions):
                theirs.add((table.name, key[0]))
                found[table.name][key] = row
    return found


class Watch:
    """Tells cheaply whether anybody wrote since it was asked last."""

    def __init__(self) -> None:
        path = database.engine().url.database
        self.connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        self.version = self._now()

    def _now(self) -> int:
        return int(self.connection.execute("PRAGMA data_version").fetchone()[0])

    def changed(self) -> bool:
        before, self.version = self.version, self._now()
        return before != self.version

    def close(self) -> None:
        self.connection.close()
