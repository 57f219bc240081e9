"""The answer that lets somebody in: the cookie, and where to go on."""

from urllib.parse import parse_qs, urlencode, urlsplit

from fastapi.responses import RedirectResponse
from starlette.responses import Response

from mip_app.accounts.sessions import SignedIn
from mip_app.core.errors import MipError
from mip_app.core.gate import cookie_name
from mip_app.core.http import ENTRY, HOME
from mip_app.core.settings import settings


def entered(signed_in: SignedIn, target: str = "") -> RedirectResponse:
    """To `target` or home, or to the steps that are still to do; `target` must come from `next_page`."""
    actor = signed_in.actor
    home = target or HOME[actor.side]
    onward = f"{ENTRY}?{urlencode({'next': target})}" if target else ENTRY
    answer = RedirectResponse(onward if actor.pending else home, 303)
    answer.set_cookie(
        cookie_name(),
        signed_in.token,
        max_age=int(signed_in.keep_for.total_seconds()) if signed_in.keep_for else None,
        httponly=True,
        samesite="lax",
        secure=settings().secure_cookies,
    )
    return answer


def left(target: str = "/login") -> RedirectResponse:
    """Signed out: the cookie is taken back."""
    answer = RedirectResponse(target, 303)
    forget(answer, cookie_name())
    return answer


def forget(answer: Response, cookie: str) -> None:
    answer.delete_cookie(cookie, httponly=True, samesite="lax", secure=settings().secure_cookies)


def refused(error: MipError, target: str = "", **more: str) -> RedirectResponse:
    """Back to the sign-in page, which says why."""
    onward = {"next": target} if target else {}
    return RedirectResponse(
        "/login?" + urlencode({"error": error.code, **error.detail, **more, **onward}), 303
    )


def next_page(referer: str) -> str:
    """Where the page of this address was asked to go on to: a path of ours, or ''."""
    try:
        asked = parse_qs(urlsplit(referer).query).get("next", [""])[0]
    except ValueError:  # not an address
        return ""
    return asked if is_path(asked) else ""


def is_path(asked: str) -> bool:
    """Whether `asked` leads to a page of this site and nowhere else."""
    return asked.startswith("/") and not asked.startswith("//") and "\\" not in asked and asked.isprintable()
