"""Finds a Chromium, or installs one: from the PATH, else Debian's package when root, else Playwright's own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]


def on_path() -> str | None:
    named = os.environ.get("MIP_CHROMIUM")
    return named or next((found for name in NAMES if (found := shutil.which(name))), None)


def playwrights_own() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def find() -> str | None:
    return on_path() or playwrights_own()


def install() -> str | None:
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        packages = ["chromium", "fonts-noto-cjk"]
        subprocess.run(["apt-get", "install", "-y", "-qq", *packages], check=False, stdout=subprocess.DEVNULL)
    if not on_path():
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
    return find()


if __name__ == "__main__":
    path = find()
    if path is None:
        print("  no Chromium found; installing one", flush=True)
        path = install()
    if path is None:
        sys.exit(
            "No Chromium could be found or installed. Install one, or name it: MIP_CHROMIUM=/path make test"
        )
    print(f"  browser: {path}", flush=True)
