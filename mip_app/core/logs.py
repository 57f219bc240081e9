"""The server's log. It says what happened and where in the code, never with what: values may be patient data."""

import logging
import secrets
import traceback

log = logging.getLogger(__name__)

OURS = "mip_app"
QUIET = (
    *("reflex", "reflex_base", "socketio", "engineio", "fastapi", "sqlalchemy", "asyncio"),
    *("pydicom", "pynetdicom"),
    *(
        "authlib",
        "httpx",
        "httpx2",
        "httpcore",
        "httpcore2",
    ),  # log addresses; outside platforms want secrets there
)


class Withhold(logging.Filter):
    """Frameworks log malformed events and odd values whole, cookie and payload included: only the place stays."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno >= logging.WARNING:
            kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
            record.msg = f"{record.module}.{record.funcName}:{record.lineno} {kind} (values withheld)"
            record.args = ()
            record.exc_info = None
        return True


def configure() -> None:
    """For every process of ours: one line an entry, on standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    handler.addFilter(_only_places)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name in list(logging.root.manager.loggerDict):
        if name.split(".")[0] in QUIET:
            logging.getLogger(name).handlers[:] = []  # of their own, past the filter
            logging.getLogger(name).propagate = True
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


_withhold = Withhold()


def _only_places(record: logging.LogRecord) -> bool:
    if record.name.split(".")[0] != OURS:
        return _withhold.filter(record)
    if record.exc_info and record.exc_info[1] is not None:
        record.msg = f"{record.getMessage()} [{_place(record.exc_info[1])}]"
        record.args = ()
        record.exc_info = None
    return True


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return f"{type(error).__name__} at " + " < ".join(f"{f.name}:{f.lineno}" for f in reversed(frames))


def note(error: BaseException) -> str:
    """Log an unexpected error without its values; the answer is the number that the reader is shown."""
    number = secrets.token_hex(3).upper()
    log.error("unexpected %s: %s", number, _place(error))
    return number


def frontend_error(exception: Exception) -> None:
    """What a browser reports is text of the client's: only that it happened is kept."""
    log.warning("a page reported an error")
