"""Looking over DICOMweb is written down once, before anything is shown."""

from collections.abc import Callable

from mip_app.audit import looks
from mip_app.core.actor import current_actor
from mip_app.core.database import changing
from mip_app.dicomweb import locating


async def viewed(study: str) -> None:
    await noted(f"study:{study}", locating.viewed, study)


async def noted(what: str, service: Callable[..., None], *args: object) -> None:
    actor = current_actor()
    if looks.begins(actor, what):
        try:
            await changing(service, *args)
        except BaseException:
            looks.forget(actor, what)
            raise
