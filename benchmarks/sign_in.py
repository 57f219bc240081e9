"""What signing in and being signed in cost.

python -m benchmarks.sign_in              sign-ins per second over HTTP, an event's round trip; SQLite and, where one
                                          answers, PostgreSQL with 10,000 people and 50,000 sign-ins: the permission
                                          check of one event (who is behind the cookie, and may they), in milliseconds
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

PEOPLE, SIGN_INS, RUNS, LIMIT = 10_000, 50_000, 2_000, 1.0
POSTGRESQL = os.environ.get("MIP_TEST_POSTGRESQL", "postgresql+psycopg://postgres@127.0.0.1:5432")


def fill() -> list[str]:
    """An institution with its people, each signed in on several devices; gives some of their tokens."""
    from sqlalchemy import insert

    from mip_app.accounts import opening, passwords
    from mip_app.accounts.models import LoginSession, Membership, Role, User
    from mip_app.accounts.recognising import hash_of
    from mip_app.core.clock import utc_now
    from mip_app.core.database import engine, write
    from mip_app.serving.migration import migrate

    migrate()
    alliance = write(opening.open_alliance, opening.CONSOLE, "bench")
    institution = write(opening.open_institution, opening.CONSOLE, alliance, "B1", "bench")
    now, word = utc_now(), passwords.hashed("a long password")
    people, places, sign_ins = [], [], []
    for n in range(1, PEOPLE + 1):
        person = {
            "id": n,
            "account": f"p{n}",
            "name": f"Person {n}",
            "password_hash": word,
            "created_at": now,
        }
        people.append(person)
        place = {"id": n, "user_id": n, "institution_id": institution, "roles": [Role.REVIEWER], "extra": []}
        places.append(place)
    for n in range(SIGN_INS):
        who = n % PEOPLE + 1
        sign_ins.append(
            {
                "token_hash": hash_of(f"token-{n}"),
                "membership_id": who,
                "user_id": who,
                "created_at": now,
                "last_seen_at": now,
                "expires_at": now + timedelta(hours=12),
            }
        )
    with engine().begin() as connection:
        for table, rows in ((User, people), (Membership, places), (LoginSession, sign_ins)):
            for start in range(0, len(rows), 5000):
                connection.execute(insert(table), rows[start : start + 5000])
    return [f"token-{n}" for n in range(0, SIGN_INS, SIGN_INS // RUNS)]


async def checks(tokens: list[str]) -> list[float]:
    """As the gate does it at each event, on a loop that does nothing else."""
    from mip_app.accounts.identity import Accounts
    from mip_app.accounts.recognising import idle_for_long
    from mip_app.core.actor import Permission, allows

    identity, times = Accounts(), []
    for token in tokens:  # the first time each activity is noted, at most once a minute: not what is measured
        if actor := await identity.by_token(token, "", active=False):
            idle_for_long(actor)
    for token in tokens:
        begun = time.perf_counter()
        actor = await identity.by_token(token, "", active=True)
        assert allows(Permission.REPORT_WRITE, actor)
        times.append((time.perf_counter() - begun) * 1000)
    return times


def line(what: str, times: list[float]) -> float:
    median = statistics.median(times)
    print(f"{what:58} {median:7.2f} {sorted(times)[int(len(times) * 0.95)]:7.2f}", flush=True)
    return median


def check_in(server: str) -> int:
    """In a process of its own: the permission check on one kind of database."""
    from benchmarks.list import analyze, database

    with database(server):
        from mip_app.core.database import engine

        tokens = fill()
        analyze()
        median = line(f"permission check of an event, {engine().dialect.name}", asyncio.run(checks(tokens)))
        for made in (engine(), engine(read_only=True)):
            made.dispose()
    return int(median >= LIMIT and not server)


def over_http() -> None:
    import httpx

    from tests.site import PASSWORD, Site, inside
    from tests.socket import STATE, RawSocket

    with tempfile.TemporaryDirectory(prefix="mip-bench-") as folder:
        site = Site(Path(folder))
        with inside(site.data):
            site.open_up()
        site.start()
        try:

            def enter(account: str) -> float:
                begun = time.perf_counter()
                form = {"account": account, "password": PASSWORD}
                answer = httpx.post(
                    f"{site.url}/auth/login", data=form, headers={"Origin": site.url}, timeout=60
                )
                assert answer.status_code == 303 and "error" not in answer.headers["location"]
                return (time.perf_counter() - begun) * 1000

            for at_once in (1, 8):
                begun = time.perf_counter()
                with ThreadPoolExecutor(at_once) as pool:
                    times = list(pool.map(enter, ["linwangshu", "hewei", "chensu", "wuji"] * 20))
                rate = len(times) / (time.perf_counter() - begun)
                line(f"sign-in, {at_once} at once: {rate:.0f} a second", times)
            with RawSocket(site.url, cookie=site.cookie("hewei")) as tab:
                tab.hydrate()
                tab.answers(1)
                times = []
                for _ in range(200):
                    begun = time.perf_counter()
                    tab.send(f"{STATE}.mip_app___studies___layout_state____layout.space", density="default")
                    tab.send(f"{STATE}.mip_app___ui___trouble____trouble.say", number=f"{len(times):06}")
                    tab.heard.get(timeout=10)
                    times.append((time.perf_counter() - begun) * 1000)
                    time.sleep(0.01)
                line("event round trip through the gate (and one write)", times)
                times = []
                for n in range(200):
                    begun = time.perf_counter()
                    tab.send(f"{STATE}.mip_app___ui___trouble____trouble.say", number=f"A{n:05}")
                    tab.heard.get(timeout=10)
                    times.append((time.perf_counter() - begun) * 1000)
                line("event round trip through the gate", times)
        finally:
            site.stop()


def main() -> int:
    if sys.argv[1:2] == ["check"]:
        return check_in(sys.argv[2])
    print(f"{'':58} {'median':>7} {'p95':>7}   ms")
    over_http()
    failed = 0
    for server in ("", POSTGRESQL):
        command = [sys.executable, "-m", "benchmarks.sign_in", "check", server]
        failed += subprocess.run(command).returncode != 0 and not server
    print(f"slower than {LIMIT} ms" if failed else f"the check is under {LIMIT} ms")
    return int(failed)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    sys.exit(main())
