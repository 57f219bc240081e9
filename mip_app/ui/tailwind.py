"""What the front-end build needs beside Reflex itself: the design tokens and the address of the event socket."""

from pathlib import Path
from typing import Any

from reflex.plugins import Plugin, TailwindV4Plugin

THEME = Path(__file__).parent / "theme.css"

# What Reflex itself would write in place of `@import "tailwindcss"`: its build needs the layers in this order.
TAILWIND = """@layer theme, base, components, utilities;
@import "tailwindcss/theme.css" layer(theme);
@import "tailwindcss/preflight.css" layer(base);
@import "tailwindcss/utilities.css" layer(utilities);
@config "../tailwind.config.js";
"""
# Last in the stack of theme.css and in slices: a browser fetches one for a glyph that nothing before it has.
# `tab.jsx` imports it, after the first paint.
FONT = "@fontsource-variable/noto-sans-sc@5.3.1"


class DesignTokens(TailwindV4Plugin):
    """Tailwind 4 and daisyUI 5 with `theme.css`, the one place where the design tokens are."""

    def get_frontend_development_dependencies(self, **context: Any) -> list[str]:
        return [*super().get_frontend_development_dependencies(**context), "daisyui@5.8.1"]

    def get_frontend_dependencies(self, **context: Any) -> list[str]:
        return [FONT]

    def pre_compile(self, **context: Any) -> None:
        super().pre_compile(**context)
        context["add_save_task"](_stylesheet)


def _stylesheet() -> tuple[str, str]:
    return "styles/tailwind.css", THEME.read_text("utf-8").replace('@import "tailwindcss";', TAILWIND, 1)


class AnyHost(Plugin):
    """Let the page speak to the host and port it came from: one bundle for localhost, a phone and a proxy."""

    def pre_compile(self, **context: Any) -> None:
        context["add_modify_task"]("vite.config.js", _with_live_origin)


_ORIGIN_PLUGIN = """
function liveOrigin() {
  return {
    name: "mip-live-origin",
    enforce: "pre",
    resolveId: (source) => (source.endsWith("/env.json") ? "\\0mip-live-origin.js" : null),
    load(id) {
      if (id !== "\\0mip-live-origin.js") return null;
      return `const at = (path) => (typeof window === "undefined" ? "http://localhost" : window.location.origin) + path;
const env = { PING: at("/ping"), EVENT: at("/_event").replace(/^http/, "ws"), UPLOAD: at("/_upload"),
  HEALTH: at("/_health"), ALL_ROUTES: at("/_all_routes"), AUTH_CODESPACE: at("/auth-codespace"),
  TRANSPORT: "websocket", TEST_MODE: false };
export default env;`;
    },
  };
}
"""


def _with_live_origin(config: str) -> str:
    if "mip-live-origin" in config:
        return config
    config = config.replace(
        "export default defineConfig", _ORIGIN_PLUGIN + "\nexport default defineConfig", 1
    )
    return config.replace("  plugins: [\n", "  plugins: [\n    liveOrigin(),\n", 1)
