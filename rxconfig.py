"""Reflex, configured. What an operator sets is in mip_app/core/settings.py."""

import reflex as rx

from mip_app.core.settings import settings
from mip_app.reports.fonts import FALLBACK_PACKAGES, FONT_PACKAGE
from mip_app.ui.tailwind import AnyHost, DesignTokens

config = rx.Config(
    app_name="mip_app",
    plugins=[DesignTokens({"plugins": []}), AnyHost()],
    disable_plugins=[rx.plugins.SitemapPlugin],
    # Tab state holds patient data: in memory of the one process, or in Redis for many; never on the disk.
    state_manager_mode="redis" if settings().redis_url else "memory",
    redis_url=settings().redis_url or None,
    # Off, because the guard compares Origin with Host itself (mip_app/core/http.py); a list would refuse phones.
    cors_allowed_origins=[],
    trusted_proxy_hops=settings().trusted_proxies,
    frontend_compression_formats=["gzip"],
    show_built_with_reflex=False,
    telemetry_enabled=False,
    # The fonts of printed reports come with the front end and are kept beside it (mip_app/serving/bundle.py).
    frontend_packages=[FONT_PACKAGE, *FALLBACK_PACKAGES],
)
