"""The answer that lets somebody in: the cookie, and where to go on."""

from urllib.parse import parse_qs, urlencode, urlsplit

from fastapi.responses import RedirectResponse
from starlette.responses import PlainTextResponse, Response

from mip_app.accounts.sessions import SignedIn
from mip_app.core.actor import allows
from mip_app.core.errors import MipError
from mip_app.core.gate import cookie_name
from mip_app.core.http import ENTRY, HOME, is_path, rule_of_page
from mip_app.core.settings import settings
from mip_app.core.texts import LANGUAGES, said

DEVICE = "mip_device"  # tells a browser that the person has signed in on before


def entered(signed_in: SignedIn, target: str = "", *, device: str = "") -> RedirectResponse:
    """To `target` or home, or to the steps that are still to do; `target` must come from `next_page`.

    `device`: the browser's new token as a known device.
    """
    actor = signed_in.actor
    fits = actor.pending or allows(rule_of_page(urlsplit(target).path.rstrip("/")), actor)
    home = target if target and fits else HOME[actor.side]
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
    if device:
        answer.set_cookie(
            DEVICE,
            device,
            max_age=settings().known_device_days * 86400,
            path="/auth",
            httponly=True,
            samesite="strict",
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
    return RedirectResponse(_why(error, target, more), 303)


def busy(error: MipError, target: str = "", **more: str) -> Response:
    """The same as 503, so that a machine in front learns it too."""
    headers = {"Retry-After": "5", "Refresh": f"0; url={_why(error, target, more)}"}
    return PlainTextResponse("\n".join(said(error, language) for language in LANGUAGES), 503, headers)


def _why(error: MipError, target: str, more: dict[str, str]) -> str:
    onward = {"next": target} if target else {}
    return "/login?" + urlencode({"error": error.code, **error.detail, **more, **onward})


def next_page(referer: str) -> str:
    """Where the page of this address was asked to go on to: a path of ours, or ''."""
    try:
        asked = parse_qs(urlsplit(referer).query).get("next", [""])[0]
    except ValueError:  # not an address
        return ""
    return asked if is_path(asked) else ""
