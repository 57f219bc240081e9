"""The same routes behind two guards: one with a shortcut in front of them, one without."""

from dataclasses import dataclass, field

import httpx
from fastapi import APIRouter, FastAPI
from starlette.types import Receive, Scope, Send

from mip_app.accounts.identity import Accounts
from mip_app.core.errors import MipError
from mip_app.core.http import Guard, error_answer
from mip_app.core.shortcut import Shortcut
from tests.loops import run


@dataclass
class House:
    """`get` asks through the shortcut; `same` both ways."""

    key: str
    router: APIRouter
    shortcut: Shortcut
    left: list[str] = field(default_factory=list)  # what the shortcut left to the routes

    def __post_init__(self) -> None:
        routes = FastAPI()
        routes.include_router(self.router)
        routes.add_exception_handler(MipError, error_answer)
        accounts = Accounts()

        async def by_route(scope: Scope, receive: Receive, send: Send) -> None:
            self.left.append(scope["path"])
            await routes(scope, receive, send)

        self.quick = Guard(by_route, accounts.find, None, [self.shortcut])
        self.slow = Guard(routes, accounts.find, None)

    def get(self, address: str, guard: Guard | None = None, **headers: str) -> httpx.Response:
        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(guard or self.quick)
            async with httpx.AsyncClient(transport=transport, base_url="http://house:8000") as client:
                own = {} if "cookie" in headers else {"authorization": f"Bearer {self.key}"}
                given = {name.replace("_", "-"): value for name, value in headers.items()}
                return await client.get(f"/dicom-web{address}", headers={**own, **given})

        return run(asked())

    def same(self, address: str, **headers: str) -> httpx.Response:
        """The answer, which is that of the route in every byte and header."""
        quick, slow = self.get(address, **headers), self.get(address, self.slow, **headers)
        assert (quick.status_code, quick.content) == (slow.status_code, slow.content), address
        assert dict(quick.headers) == dict(slow.headers), address
        return quick
