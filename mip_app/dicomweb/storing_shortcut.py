"""STOW-RS in front of the framework: a modality sends an image a request, and the framework costs more than storing it.

What is done, and what is refused, is what `stow.py` says; who may not send is left to its route.
"""

import re

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from mip_app.core.actor import Permission
from mip_app.core.errors import MipError
from mip_app.core.http import error_answer
from mip_app.core.shortcut import Find, acting
from mip_app.dicomweb import stow
from mip_app.dicomweb.metadata import ROOT

_PATH = re.compile(rf"{ROOT}/studies(?:/([0-9.]{{1,64}}))?")


class StoringShortcut:
    """Implements `core.shortcut.Shortcut`. `find` tells who is asking, as of a moment ago."""

    def __init__(self, find: Find) -> None:
        self.find = find

    def takes(self, scope: Scope) -> bool:
        return scope["method"] == "POST" and _PATH.fullmatch(scope["path"]) is not None

    async def answer(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> bool:
        actor, asked = acting(scope, Permission.STUDY_UPLOAD), _PATH.fullmatch(scope["path"])
        if actor is None or asked is None:
            return False
        request = Request(scope, receive)
        try:
            answer = await stow.stored(request, actor, asked[1] or "")
        except MipError as error:
            answer = error_answer(request, error)
        await answer(scope, receive, send)
        return True
