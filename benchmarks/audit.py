"""The audit trail: sealing, proving, exporting, what an entry costs; and every page of every filter at 2,000,000.

python -m benchmarks.audit                                     SQLite in a folder of its own
python -m benchmarks.audit --database-url postgresql+psycopg://postgres@127.0.0.1:5432
                                                               a database of its own on that server
python -m benchmarks.audit --entries 200000                    a shorter run
"""

import argparse
import random
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, text

from benchmarks.list import analyze, database

ENTRIES, PEOPLE, STUDIES, RUNS, LIMIT = 2_000_000, 300, 200_000, 10, 50.0
DAYS = 730
PROVEN = 100_000  # entries that are sealed, proven and exported; the pages are of all
ACTS = {
    "study.viewed": 30, "report.viewed": 22, "image.received": 20, "report.saved": 8, "report.taken": 6,
    "report.signed": 3, "report.reviewed": 3, "report.printed": 3, "account.signed_in": 2, "account.signed_out": 2,
    "image.retrieved": 0.5, "account.sign_in_refused": 0.3, "report.returned": 0.2, "account.created": 0.01,
}  # fmt: skip


def fill(institution: int, entries: int) -> None:
    """Two years of a log, marked as the product does it; four in five are the institution's own."""
    from mip_app.audit import chain
    from mip_app.audit.models import AuditEntry
    from mip_app.core.clock import utc_now
    from mip_app.core.database import engine

    rnd, now = random.Random(20261124), utc_now()
    names, weights = list(ACTS), list(ACTS.values())
    for start in range(0, entries, 10_000):
        rows = []
        for n in range(start, min(entries, start + 10_000)):
            act = rnd.choices(names, weights)[0]
            machine = act == "image.received"
            own = rnd.random() < 0.8
            user = None if machine else int(PEOPLE * rnd.random() ** 2) + 1
            values = {
                "scope": f"i:{institution}" if own else "i:99",
                "institution_id": institution if own else 99,
                "user_id": user,
                "actor": f"CT-{rnd.randrange(3)}" if machine else f"person {user}",
                "address": f"10.2.8.{rnd.randrange(250)}",
                "act": act,
                "subject": ""
                if act.startswith("account.")
                else f"study:1.2.826.0.1.{rnd.randrange(STUDIES)}",
                "result": "refused" if "refused" in act or rnd.random() < 0.01 else "done",
            }
            detail = {"version": rnd.randrange(9)} if act.startswith("report.") else {}
            at = now - timedelta(days=DAYS * (1 - n / entries)) + timedelta(microseconds=n % 997)
            mark = chain.mark_of(chain.canonical(at, values, detail))
            rows.append({"at": at, "detail": detail, "mark": mark, **values})
        with engine().begin() as connection:
            connection.execute(insert(AuditEntry), rows)
    analyze()


def multiply(to: int) -> None:
    """The same entries again and again, some minutes apart and of other studies: for pages, no longer provable."""
    from mip_app.audit.models import AuditEntry
    from mip_app.core.database import engine

    sqlite = engine().dialect.name == "sqlite"
    earlier = "strftime('%Y-%m-%d %H:%M:%f000', at, '-' || :k || ' minutes')"
    some = f"abs(random()) % {STUDIES}"
    if not sqlite:
        earlier, some = "at - :k * interval '1 minute'", f"floor(random() * {STUDIES})::int"
    subject = f"CASE subject WHEN '' THEN '' ELSE 'study:1.2.826.0.1.' || ({some}) END"
    same = "scope, institution_id, user_id, actor, address, act, result, detail, mark"
    indexes = AuditEntry.__table__.indexes  # type: ignore[attr-defined]
    for index in indexes:  # made at the end, in one go
        index.drop(engine())
    with engine().connect() as connection:
        there, highest = connection.execute(text("SELECT count(*), max(id) FROM auditentry")).one()
    for k in range(1, to // there):
        with engine().begin() as connection:
            connection.execute(
                text(
                    f"INSERT INTO auditentry (at, subject, {same}) SELECT {earlier}, {subject}, {same}"
                    f" FROM auditentry WHERE id <= {highest}"
                ),
                {"k": k},
            )
    for index in indexes:
        index.create(engine())
    analyze()


def cases(actor: Any) -> Iterator[tuple[str, Any, Any]]:
    from mip_app.audit.models import Act, Kind
    from mip_app.auditing.asking import Asked, Days

    every = Asked(days=Days.RANGE)
    yield "all, first page", every, None
    yield "all, after 500,000 rows", every, deep(actor, 0.6)
    yield "all, the last page", every, deep(actor, 0.0001)
    for days in (Days.TODAY, Days.WEEK, Days.MONTH):
        yield f"days: {days}", Asked(days=days), None
    for when in (every, Asked(days=Days.MONTH)):
        span = "month" if when.days is Days.MONTH else "ever"
        for kind in Kind:
            yield f"{span}, kind {kind}", replace(when, kind=kind), None
            yield f"{span}, kind {kind}, failures", replace(when, kind=kind, failures=True), None
        for act in (Act.STUDY_VIEWED, Act.USER_CREATED, Act.AUDIT_EXPORTED):
            yield f"{span}, act {act}", replace(when, act=act), None
            yield f"{span}, act {act}, failures", replace(when, act=act, failures=True), None
        yield f"{span}, failures", replace(when, failures=True), None
        for person in ("person1", "person299", "nobody", "CT-1"):
            by = replace(when, person=person)
            yield f"{span}, {person}", by, None
            yield f"{span}, {person}, failures", replace(by, failures=True), None
            yield f"{span}, {person}, act with few", replace(by, act=Act.USER_CREATED), None
            yield f"{span}, {person}, act with none", replace(by, act=Act.REPORT_TAKEN_OVER), None
            yield f"{span}, {person}, consultations", replace(by, kind=Kind.CONSULTATION), None
            yield f"{span}, {person}, people", replace(by, kind=Kind.USER), None
        study = replace(when, study="1.2.826.0.1.7")
        yield f"{span}, one study", study, None
        yield f"{span}, one study and person1", replace(study, person="person1"), None
        yield f"{span}, one study, failures", replace(study, failures=True), None


def deep(actor: Any, share: float) -> Any:
    """A place with that share of the time before it."""
    from mip_app.auditing.reading import Place
    from mip_app.core.clock import utc_now

    return Place(utc_now() - timedelta(days=DAYS * (1 - share)), 1)


def measure(actor: Any) -> int:
    from mip_app.auditing import trail
    from mip_app.core.database import read

    slow = 0
    print(f"{'':44} {'rows':>5} {'fastest':>8} {'median':>8}   ms")
    for what, asked, place in cases(actor):
        times = []
        for _ in range(RUNS):
            begun = time.perf_counter()
            page = read(trail.page, actor, asked, place)
            times.append((time.perf_counter() - begun) * 1000)
        median = statistics.median(times)
        slow += median > LIMIT
        mark = "   too slow" if median > LIMIT else ""
        print(f"{what:44} {len(page.rows):5} {min(times):8.1f} {median:8.1f}{mark}", flush=True)
    return slow


def people(institution: int) -> None:
    from mip_app.accounts.models import Membership, User
    from mip_app.core.clock import utc_now
    from mip_app.core.database import engine

    with engine().begin() as connection:
        one = {"password_hash": "x", "created_at": utc_now()}
        made = [
            {"id": n, "account": f"person{n}", "name": f"Dr {n}", "keywords": f"dr {n}", **one}
            for n in range(1, PEOPLE + 1)
        ]
        connection.execute(insert(User), made)
        belongs = {"institution_id": institution, "roles": ["reporter"], "extra": []}
        connection.execute(insert(Membership), [{"user_id": n, **belongs} for n in range(1, PEOPLE + 1)])


def chains(actor: Any) -> None:
    """Sealing all that is there, proving it, exporting it; then the lag, and the price of an entry."""
    from mip_app.audit import service
    from mip_app.audit.models import Act, AuditEntry, AuditSeal
    from mip_app.audit.sealer import Sealer
    from mip_app.audit.verifying import verify
    from mip_app.auditing import export
    from mip_app.auditing.asking import Asked, Days
    from mip_app.core.database import engine, write

    def said(what: str, seconds: float, number: int) -> None:
        print(f"{what:44} {seconds:7.1f} s {number / seconds:10,.0f} entries/s", flush=True)

    sealer = Sealer(engine(), engine(read_only=True))
    begun = time.perf_counter()
    sealed = sealer.look()
    said("sealing what is there", time.perf_counter() - begun, sealed)
    begun = time.perf_counter()
    found = verify(engine(read_only=True), f"i:{actor.institution_id}")
    said(
        f"verifying ({'whole' if found.whole else found.broken})", time.perf_counter() - begun, found.entries
    )
    begun = time.perf_counter()
    leaving = write(export.begin, actor, Asked(days=Days.RANGE), export.Format.CSV, "zh")
    print(f"{'counting for an export':44} {(time.perf_counter() - begun) * 1000:7.0f} ms")
    for form in export.Format:
        begun, size, lines = time.perf_counter(), 0, 0
        for piece in export.lines(replace(leaving, format=form), actor):
            size, lines = size + len(piece), lines + piece.count(b"\n")
            if lines > 100_000:
                break
        said(f"exporting as {form}", time.perf_counter() - begun, lines)
    lags = []
    for n in range(50):
        write(service.record, actor, Act.STUDY_VIEWED, f"study:lag.{n}")
        begun = time.perf_counter()
        sealer.look()
        lags.append((time.perf_counter() - begun) * 1000)
    print(
        f"{'sealing one entry, with its head':44} {statistics.median(lags):7.1f} ms (and 0.4 s between looks)"
    )
    prices = []
    for n in range(20):
        begun = time.perf_counter()
        write(_hundred, actor, n)
        prices.append((time.perf_counter() - begun) * 10)
    print(f"{'an entry more in a transaction':44} {statistics.median(prices):7.2f} ms")
    with engine().connect() as connection:
        seals = connection.execute(select(text("count(*)")).select_from(AuditSeal)).scalar()
        rows = connection.execute(select(text("count(*)")).select_from(AuditEntry)).scalar()
    print(f"{rows:,} entries, {seals:,} sealed")


def _hundred(session: Any, actor: Any, n: int) -> None:
    from mip_app.audit import service
    from mip_app.audit.models import Act

    for each in range(100):
        service.record(session, actor, Act.STUDY_VIEWED, f"study:{n}.{each}")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--database-url", default="", help="a PostgreSQL server; default: SQLite")
    parser.add_argument("--entries", type=int, default=ENTRIES)
    given = parser.parse_args()
    with database(given.database_url):
        from mip_app.accounts import opening
        from mip_app.accounts.models import Role
        from mip_app.accounts.roles import PERMISSIONS
        from mip_app.core.actor import Actor
        from mip_app.core.database import engine, write
        from mip_app.serving.migration import migrate

        migrate()
        alliance = write(opening.open_alliance, opening.CONSOLE, "bench")
        institution = write(opening.open_institution, opening.CONSOLE, alliance, "B1", "bench")
        people(institution)
        actor = Actor(None, "bench", institution, PERMISSIONS[Role.AUDITOR])
        fill(institution, min(PROVEN, given.entries))
        print(f"{engine().dialect.name}", flush=True)
        chains(actor)
        begun = time.perf_counter()
        multiply(given.entries)
        print(f"{given.entries:,} entries, multiplied in {time.perf_counter() - begun:.0f} s", flush=True)
        slow = measure(actor)
        for made in (engine(), engine(read_only=True)):
            made.dispose()
    print(f"{slow} slower than {LIMIT:.0f} ms" if slow else f"all under {LIMIT:.0f} ms")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    sys.exit(main())
