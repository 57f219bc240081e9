"""The web process: the kept bundle and the app behind one port."""

import contextlib
import os
import time

from starlette.types import ASGIApp

from mip_app.core import logs
from mip_app.core.database import engine
from mip_app.serving.bundle import served


def factory() -> ASGIApp:
    """For Granian: the ASGI app, without compiling anything."""
    logs.configure()
    os.environ["__REFLEX_SKIP_COMPILE"] = "true"
    os.environ["__REFLEX_MOUNT_FRONTEND_COMPILED_APP"] = "true"
    os.environ["REFLEX_ENV_MODE"] = "prod"
    os.environ["REFLEX_WEB_WORKDIR"] = str(served())
    from mip_app.mip_app import app

    return app()


def serve(host: str, port: int) -> None:
    """Serve until Ctrl-C. A worker that dies is back in under a second, however often it dies."""
    from granian import Granian
    from granian.constants import Interfaces

    for unused in (engine(), engine(read_only=True)):
        unused.dispose()  # a connection must not be shared with the workers that come from this process
    while True:
        server = Granian(
            "mip_app.serving.server:factory",
            factory=True,
            interface=Interfaces.ASGI,
            address=host,
            port=port,
            workers=1,
            respawn_failed_workers=True,
            respawn_interval=0.2,
            workers_kill_timeout=10,
            log_access=False,
            log_enabled=False,
        )
        # Granian ends when a worker dies twice within seconds; a hospital would rather be served.
        with contextlib.suppress(SystemExit):
            server.serve()
        if server.interrupt_signal:
            return
        time.sleep(1)
