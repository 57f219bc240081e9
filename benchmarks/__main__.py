"""`make bench`: every benchmark in turn, each in a process of its own."""

import subprocess
import sys

ALL = (
    ["list"],
    ["qido", "10000"],
    ["sign_in"],
    ["audit"],
    ["viewer"],
    ["frames"],
    ["retrieve"],
    ["ingest", "zip"],
    ["ingest", "stow"],
    ["dimse"],
    ["clicking"],
)


def main() -> int:
    failed = 0
    for name, *more in ALL:
        print(f"\n— {name} {' '.join(more)}", flush=True)
        failed += subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *more]).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
