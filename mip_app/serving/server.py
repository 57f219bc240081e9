"""The web process: the kept bundle and the app behind one port."""

import contextlib
import gc
import os
import resource
import time
from typing import cast

from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from mip_app.core import logs
from mip_app.core.database import engine
from mip_app.core.http import Guard
from mip_app.core.settings import settings
from mip_app.serving.bundle import served

STRAIGHT = "/dicom-web/"


def factory() -> ASGIApp:
    """For Granian: the ASGI app, without compiling anything."""
    logs.configure()
    os.environ["__REFLEX_SKIP_COMPILE"] = "true"
    os.environ["__REFLEX_MOUNT_FRONTEND_COMPILED_APP"] = "true"
    os.environ["REFLEX_ENV_MODE"] = "prod"
    os.environ["REFLEX_WEB_WORKDIR"] = str(served())
    from mip_app.mip_app import app

    made = cast(Starlette, app())
    logs.configure()  # once more: the app's sockets have brought handlers of their own
    # Reflex would answer other origins' questions in front of our guard, and without its policies.
    for part in (made, app._api):
        assert part is not None
        part.user_middleware[:] = [each for each in part.user_middleware if each.cls is not CORSMiddleware]
    gc.collect()
    gc.freeze()  # what is loaded stays: a collection that walks through all of it holds everybody up
    return straight(made)


def straight(made: Starlette) -> ASGIApp:
    """What is no page goes to the guard without the layers that Reflex puts around it: they cost more than a frame."""
    inside = [getattr(route, "app", None) for route in made.routes]
    guard = next(each for each in inside if isinstance(each, Guard))

    async def entrance(scope: Scope, receive: Receive, send: Send) -> None:
        ours = scope["type"] == "http" and scope["path"].startswith(STRAIGHT)
        await (guard if ours else made)(scope, receive, send)

    return entrance


def _connections() -> int:
    """How many this process can hold open at once, out of what the machine allows a process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 16_384 if hard == resource.RLIM_INFINITY else min(hard, 16_384)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return max(256, min(soft if soft > 0 else wanted, wanted) - 512)  # the rest is for files


def serve(host: str, port: int) -> None:
    """Serve until Ctrl-C. A worker that dies is back in under a second, however often it dies."""
    from granian import Granian
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings

    for unused in (engine(), engine(read_only=True)):
        unused.dispose()  # a connection must not be shared with the workers that come from this process
    connections = _connections()
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
            # Not HTTP/2, which nobody speaks without TLS: while it waits to see which, a silent client costs nothing.
            http=HTTPModes.http1,
            http1_settings=HTTP1Settings(header_read_timeout=settings().stall_seconds * 1000),
            backlog=2048,
            backpressure=connections,
            log_access=False,
            log_enabled=False,
        )
        # Granian ends when a worker dies twice within seconds; a hospital would rather be served.
        with contextlib.suppress(SystemExit):
            server.serve()
        if server.interrupt_signal:
            return
        time.sleep(1)
