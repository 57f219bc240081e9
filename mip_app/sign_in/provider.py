"""What every call to WeChat and WeCom has in common: time, size, JSON, and errors in our own words.

They answer errors with status 200 and `errcode`, JSON as text/plain, and now and then a page of a gateway.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.common.urls import add_params_to_uri

from mip_app.core.errors import MipError
from mip_app.core.settings import settings

log = logging.getLogger(__name__)

R = TypeVar("R")
MALFORMED = (ValueError, TypeError)  # not JSON, or not with the types that are agreed
MOST = 64 * 1024
BUSY = -1
STALE = frozenset({40001, 40014, 42001})  # the access token is not, or no longer, the one that counts
EARLY = 300.0  # seconds before its end in which a token is not used any more


class ProviderAway(MipError):
    """It did not answer, or not in a way that can be understood."""

    code = "external.away"
    status = 502


class ProviderRefused(MipError):
    """It answered no: a code used twice, a wrong secret, a limit."""

    code = "external.refused"
    status = 502

    def __init__(self, errcode: int) -> None:
        self.errcode = errcode
        super().__init__()


@contextlib.asynccontextmanager
async def asking() -> AsyncIterator[None]:
    """Around one conversation. Raises ProviderAway for whatever goes wrong on the way."""
    try:
        async with asyncio.timeout(settings().outside_seconds):
            yield
    except (TimeoutError, httpx2.HTTPError, httpx2.InvalidURL, AuthlibBaseError, *MALFORMED) as error:
        log.warning("a provider did not answer: %s", type(error).__name__)
        raise ProviderAway() from error


def answer_of(response: httpx2.Response) -> dict[str, Any]:
    """What it says. Raises ProviderAway, ProviderRefused."""
    if response.status_code != 200 or len(response.content) > MOST:
        log.warning("a provider answered with status %d", response.status_code)
        raise ProviderAway()
    answer = response.json()
    if not isinstance(answer, dict):
        raise ProviderAway()
    errcode = answer.get("errcode", 0)
    if errcode:
        log.warning("a provider refused: errcode %d", int(errcode))
        raise ProviderAway() if int(errcode) == BUSY else ProviderRefused(int(errcode))
    return answer


def checked(response: httpx2.Response) -> httpx2.Response:
    """The same as authlib's compliance hook."""
    answer_of(response)
    return response


def text_of(answer: dict[str, Any], name: str) -> str:
    """Raises ProviderAway where it is not there."""
    value = answer.get(name)
    if not isinstance(value, str) or not value or len(value) > 512:
        raise ProviderAway()
    return value


def names_itself(id_name: str, secret_name: str) -> Callable[..., tuple[str, Any, Any]]:
    """Client authentication as they want it: under their own names, in the address."""

    def authenticate(client: Any, method: str, uri: str, headers: Any, body: Any) -> tuple[str, Any, Any]:
        named = [(id_name, client.client_id), (secret_name, client.client_secret)]
        return add_params_to_uri(uri, named), headers, body

    return authenticate


def authorise_link(base: str, path: str, parameters: Sequence[tuple[str, str]], fragment: str = "") -> str:
    """Written here and not by authlib: WeChat refuses a link with its parameters in another order."""
    return f"{base}{path}?{urlencode(parameters)}{fragment}"


_tokens: dict[str, tuple[str, float]] = {}


async def with_token(
    owner: str, fetch: Callable[[], Awaitable[dict[str, Any]]], ask: Callable[[str], Awaitable[R]]
) -> R:
    """Ask with the access token of `owner`, kept until shortly before its end; once more where it is stale."""
    token, until = _tokens.get(owner, ("", 0.0))
    if time.monotonic() < until:
        try:
            return await ask(token)
        except ProviderRefused as refused:
            if refused.errcode not in STALE:
                raise
    fresh = await fetch()
    token = text_of(fresh, "access_token")
    _tokens[owner] = (token, time.monotonic() + float(fresh.get("expires_in", 0)) - EARLY)
    return await ask(token)
