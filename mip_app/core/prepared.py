"""Statements that run hundreds of times a second: made once for each kind of database, then given to the driver as
they are. What they answer is the driver's too: dates of SQLite are text."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

from sqlalchemy import Connection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler
from sqlmodel import Session

Values = Mapping[str, Any]
Make = Callable[[Values], Any]


class Prepared:
    """`columns` of an INSERT; everything else names its parameters by `bindparam`."""

    def __init__(self, statement: ClauseElement, columns: Sequence[str] | None = None) -> None:
        self._statement = statement
        self._columns = list(columns) if columns is not None else None
        self._made: dict[str, tuple[str, Make]] = {}

    def run(self, session: Session, *rows: Values) -> None:
        """With the values of each of `rows`, in the transaction of `session`."""
        connection = session.connection()
        sql, make = self._made_for(connection.dialect)
        with _cursor(connection) as cursor:
            if len(rows) == 1:
                cursor.execute(sql, make(rows[0]))
            else:
                cursor.executemany(sql, [make(row) for row in rows])

    def first(self, session: Session, values: Values) -> tuple[Any, ...] | None:
        """The first row of its answer, in the transaction of `session`."""
        connection = session.connection()
        sql, make = self._made_for(connection.dialect)
        with _cursor(connection) as cursor:
            cursor.execute(sql, make(values))
            found: tuple[Any, ...] | None = cursor.fetchone()
        return found

    def _made_for(self, dialect: Dialect) -> tuple[str, Make]:
        made = self._made.get(dialect.name)
        if made is None:
            made = self._made[dialect.name] = self._make(dialect)
        return made

    def _make(self, dialect: Dialect) -> tuple[str, Make]:
        compiled = cast(SQLCompiler, self._statement.compile(dialect=dialect, column_keys=self._columns))
        processors = {}
        for name, bind in compiled.binds.items():
            processors[name] = bind.type.dialect_impl(dialect).bind_processor(dialect) or _as_it_is
        fixed = compiled.construct_params({}, _check=False)
        names = list(compiled.positiontup or processors)
        steps = [(name, processors[name], fixed.get(name)) for name in names]
        if compiled.positional:
            return str(compiled), lambda row: tuple([as_it_goes(row.get(n, f)) for n, as_it_goes, f in steps])
        return str(compiled), lambda row: {n: as_it_goes(row.get(n, f)) for n, as_it_goes, f in steps}


@contextmanager
def _cursor(connection: Connection) -> Iterator[Any]:
    """The driver's; what it raises is raised as SQLAlchemy would, without statement and values: they may name people."""
    cursor = connection.connection.cursor()
    driver = connection.dialect.loaded_dbapi
    try:
        yield cursor
    except driver.Error as error:
        raise DBAPIError.instance(None, None, error, driver.Error, dialect=connection.dialect) from error
    finally:
        cursor.close()


def _as_it_is(value: Any) -> Any:
    return value
