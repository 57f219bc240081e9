"""Composition root: the Reflex app, its pages, and the HTTP routes beside them. Features meet here and nowhere else."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import reflex as rx
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.types import ASGIApp, Receive, Scope, Send

from mip_app.accounts import api as accounts_api
from mip_app.accounts.identity import Accounts
from mip_app.admin import home as admin_home
from mip_app.admin.alliances import pages as alliances_pages
from mip_app.admin.data import api as data_api
from mip_app.admin.data import pages as data_pages
from mip_app.admin.departments import pages as departments_pages
from mip_app.admin.doctors import pages as doctors_pages
from mip_app.admin.institution import api as institution_api
from mip_app.admin.institution import pages as institution_pages
from mip_app.admin.institutions import pages as institutions_pages
from mip_app.admin.nodes import pages as nodes_pages
from mip_app.admin.roles import pages as roles_pages
from mip_app.audit import sealer
from mip_app.auditing import api as auditing_api
from mip_app.auditing import pages as auditing_pages
from mip_app.core import bus, gate
from mip_app.core.database import engine
from mip_app.core.errors import MipError
from mip_app.core.http import Guard, error_answer, malformed, unexpected
from mip_app.core.logs import frontend_error
from mip_app.core.shortcut import Shortcut
from mip_app.dicomweb import rendering_api, retrieving_api, wado_uri
from mip_app.dicomweb.api import router as dicomweb
from mip_app.dicomweb.pictures_shortcut import PicturesShortcut
from mip_app.dicomweb.searching import router as searching
from mip_app.dicomweb.searching_shortcut import SearchingShortcut
from mip_app.dicomweb.shortcut import DicomWebShortcut
from mip_app.dicomweb.storing_shortcut import StoringShortcut
from mip_app.dicomweb.stow import router as stow
from mip_app.dimse import components as send
from mip_app.ingest import api as ingest_api
from mip_app.ingest import components as upload
from mip_app.ingest import uploads
from mip_app.jobs import relay as jobs_relay
from mip_app.maintenance import erasing
from mip_app.messages import relay
from mip_app.reports import api as reports_api
from mip_app.reports import pages as reports_pages
from mip_app.serving import bundle, work
from mip_app.serving.health import router as health
from mip_app.sign_in import api as sign_in_api
from mip_app.sign_in import external_api, external_pages, official_account_api, qr_api, switching
from mip_app.sign_in import pages as sign_in_pages
from mip_app.sign_in.account import pages as account_pages
from mip_app.sign_in.forgot import pages as forgot_pages
from mip_app.sign_in.places_state import Places
from mip_app.sign_in.welcome import pages as welcome_pages
from mip_app.studies import pages as studies_pages
from mip_app.ui import pages as ui_pages
from mip_app.ui.shell import frame, offline_line
from mip_app.ui.trouble import said_aloud, trouble_line
from mip_app.viewer import pages as viewer_pages
from mip_app.viewer.components import study_images

identity = Accounts()
ROUTERS = (
    health,
    accounts_api.router,
    sign_in_api.router,
    qr_api.router,
    external_api.router,
    official_account_api.router,
    dicomweb,
    searching,
    retrieving_api.router,
    rendering_api.router,
    wado_uri.router,
    stow,
    ingest_api.router,
    uploads.router,
    reports_api.router,
    institution_api.router,
    data_api.router,
    auditing_api.router,
)


def http_api() -> FastAPI:
    """Every HTTP route that is not a page."""
    api = FastAPI(title="MIP", docs_url=None, redoc_url=None, openapi_url=None)
    for router in ROUTERS:
        api.include_router(router)
    api.add_exception_handler(MipError, error_answer)
    api.add_exception_handler(RequestValidationError, malformed)
    api.add_exception_handler(Exception, unexpected)
    return api


API_PREFIXES = (
    "/auth/",
    "/healthz",
    "/dicom-web",
    "/ingest",
    "/people/",
    "/print/",
    "/reports/leave",
    "/institution/",
    data_api.PATH,
    "/wechat/",
    wado_uri.PATH,
    auditing_api.PATH,
)


def with_api(pages: ASGIApp) -> ASGIApp:
    """Dispatch the routes of `http_api` before Reflex, and put the guard in front of both."""
    api = http_api()

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        ours = scope["type"] == "http" and scope["path"].startswith(API_PREFIXES)
        await (api if ours else pages)(scope, receive, send)

    built = bundle.client() if bundle.client().exists() else None
    kinds = (DicomWebShortcut, PicturesShortcut, SearchingShortcut, StoringShortcut)
    shortcuts: list[Shortcut] = [kind(identity.lately) for kind in kinds]
    return Guard(dispatch, identity.find, built, shortcuts)


@contextlib.asynccontextmanager
async def following() -> AsyncIterator[None]:
    """Hear what other processes change, seal the log, send, run jobs and remove what was deleted, as long as this one serves."""
    gate.keep_tabs_apart(app, identity)
    gate.hear_whole_texts(app)
    gate.forget_strangers(app)
    work.load()
    whole_time = (
        bus.follow(engine()),
        sealer.follow(engine(), engine(read_only=True)),
        relay.run(),
        jobs_relay.run(),
        erasing.follow(engine(), engine(read_only=True)),
    )
    tasks = [asyncio.create_task(one) for one in whole_time]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


app = rx.App(
    theme=None,
    toaster=None,
    html_lang="zh-CN",
    html_custom_attrs={"data-theme": "mip-light"},
    head_components=[
        rx.el.meta(name="viewport", content="width=device-width, initial-scale=1, viewport-fit=cover"),
        rx.el.link(rel="icon", href="/mark.svg"),
    ],
    app_wraps={(5, "Overlay"): lambda stateful: rx.fragment(offline_line(), trouble_line())},
    api_transformer=with_api,
    frontend_exception_handler=frontend_error,
    backend_exception_handler=said_aloud,
)
app.add_middleware(gate.use(identity), index=0)
app.register_lifespan_task(following)

# What stands in the frame of every page and is known only here.
frame.load.append(Places.load)
frame.place = switching.in_bar
frame.menu.append(switching.in_menu)

for pages in (
    sign_in_pages,
    external_pages,
    welcome_pages,
    forgot_pages,
    account_pages,
    ui_pages,
    viewer_pages,
    admin_home,
    alliances_pages,
    institutions_pages,
    institution_pages,
    doctors_pages,
    departments_pages,
    roles_pages,
    nodes_pages,
    data_pages,
    auditing_pages,
):
    pages.add_pages(app)
studies_pages.add_pages(app, upload=upload, sending=send)
reports_pages.add_pages(app, images=study_images)
