"""QIDO-RS over many studies: what a search costs in this process, and through a running server.

python -m benchmarks.qido 10000 100000                         SQLite in a folder of its own; fifty at once need wrk
python -m benchmarks.qido 10000 --database-url postgresql+psycopg://postgres@127.0.0.1:5432
python -m benchmarks.qido 10000 --in-process                   without the server
python -m benchmarks.qido 1000000 --grants --in-process --keep /tmp/qido
                                                               nine studies of ten are granted; the database stays

Peers at 10,000 studies, p95: Orthanc (SQLite) 78 ms first page, 600 at offset 9,000, 70 by name, 23 by ID.
"""

import argparse
import gc
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from sqlalchemy import insert, select

from benchmarks.list import GIVEN, MODALITIES, SURNAMES, analyze, database, pick
from benchmarks.spending import spent
from benchmarks.wrk import TURN

RUNS = 40
_SAYS = """
done = function(summary, latency)
  io.write("LATENCIES ", latency.min, " ", latency:percentile(50), " ", latency:percentile(95), "\\n")
end
"""
USER = 1  # the account that some is granted to alone
FIELDS = "includefield=00081030%2C00080060"
LATIN = ("SMITH^JOHN", "MILLER^ANNA", "JOHNSON^KIM", "GARCIA^LUIS", "DUBOIS^MARIE")


def fill(institution: int, number: int, giver: int = 0, user: int = 0) -> None:
    """Two years of an institution, six patients for ten studies, the same every time; written in batches.

    With a `giver`, nine patients of ten are that one's, granted; one of twenty of these to one person alone.
    """
    from mip_app.core.clock import utc_now
    from mip_app.core.database import engine
    from mip_app.studies.models import Giver, Grant, GrantedStudy, Patient, PatientTail, Study, StudyModality

    rnd, now = random.Random(20261124), utc_now().replace(microsecond=0)
    patients = number * 6 // 10
    with engine().begin() as connection:
        if giver:
            connection.execute(insert(Giver), {"to_institution_id": institution, "institution_id": giver})
        for start in range(0, patients, 20_000):
            batch = range(start, min(start + 20_000, patients))
            rows = [_patient(rnd, giver if giver and n % 10 else institution, n) for n in batch]
            connection.execute(insert(Patient), rows)
            connection.execute(insert(PatientTail), _tails(rows))
            if giver:
                given = [row for row in rows if row["institution_id"] == giver]
                connection.execute(insert(Grant), [_grant(row, institution, user) for row in given])
        for start in range(0, number, 20_000):
            batch = range(start, min(start + 20_000, number))
            rows = [_study(rnd, now, institution, patients, n, giver) for n in batch]
            connection.execute(insert(Study), rows)
            connection.execute(insert(StudyModality), [_modality(row) for row in rows])
            if giver:
                given = [row for row in rows if row["institution_id"] == giver]
                connection.execute(insert(GrantedStudy), _granted(given, institution, user))
    analyze()


def _grant(patient: dict[str, Any], to: int, user: int) -> dict[str, Any]:
    from mip_app.core.clock import utc_now

    return {
        "institution_id": patient["institution_id"], "to_institution_id": to, "to_user_id": _to(patient["id"], user),
        "patient_pk": patient["id"], "future": True, "may_report": False, "may_print": False, "may_download": True,
        "reason": "bench", "given_at": utc_now(), "given_by": "bench", "withdrawn_by": "",
    }  # fmt: skip


def _to(patient: int, user: int) -> int | None:
    return user if patient % 20 == 7 else None


def _granted(studies: list[dict[str, Any]], to: int, user: int) -> list[dict[str, Any]]:
    from mip_app.studies.granted import FOR_GOOD

    return [
        {
            "study_pk": row["id"], "institution_id": to, "user_id": _to(row["patient_pk"], user) or 0,
            "modality": modality, "studied_at": row["studied_at"], "study_date": row["study_date"],
            "until": FOR_GOOD, "twin": row["id"] % 100 == 0,
        }
        for row in studies
        for modality in ("", row["modality"])
    ]  # fmt: skip


def _patient(rnd: random.Random, institution: int, n: int) -> dict[str, Any]:
    from mip_app.studies.query import names

    if rnd.random() < 0.02:
        name = rnd.choice(LATIN)
    else:
        # Common surnames are common: 王 is one in fourteen.
        surname = SURNAMES[min(int(rnd.paretovariate(0.9)) - 1, len(SURNAMES) - 1)]
        name = f"{surname}^{rnd.choice(GIVEN)}{rnd.choice(GIVEN) if rnd.random() < 0.8 else ''}"
    return {
        "id": n + 1, "institution_id": institution, "patient_id": f"{12000000 + n:010}", "issuer": "",
        "name": name.replace("^", ""), "person_name": name, "name_folded": names.folded(name),
        "sex": rnd.choice("MF"), "birth_date": date(1930, 1, 1) + timedelta(days=rnd.randrange(33000)),
    }  # fmt: skip


def _tails(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    from mip_app.studies.query import names

    return [
        {"institution_id": row["institution_id"], "tail": tail, "patient_pk": row["id"]}
        for row in rows
        for tail in names.tails(row["name_folded"], row["patient_id"])
    ]


def _study(
    rnd: random.Random, now: datetime, institution: int, patients: int, n: int, giver: int = 0
) -> dict[str, Any]:
    at = now - timedelta(seconds=int(730 * 86400 * rnd.random()))
    modality, patient = pick(rnd, MODALITIES), rnd.randrange(patients) + 1
    return {
        "id": n + 1, "institution_id": giver if giver and (patient - 1) % 10 else institution, "patient_pk": patient,
        "study_uid": f"1.2.826.0.1.3680043.10.1401.1.{n}", "accession_number": f"A{n:08}",
        "study_id": f"S{n}", "description": f"胸部{modality}检查", "referring_physician": "QIAN^Yi=钱^易",
        "study_date": at.date(), "study_time": f"{at:%H%M%S}", "studied_at": at, "modality": modality,
        "modalities": modality, "series_count": 3, "instance_count": 300, "received_at": at, "corrections": {},
        "report_status": "none", "patient_class": "O", "contrast": "",
    }  # fmt: skip


def _modality(row: dict[str, Any]) -> dict[str, Any]:
    shared = {name: row[name] for name in ("institution_id", "modality", "studied_at", "study_date")}
    return shared | {"study_pk": row["id"]}


def cases(number: int) -> dict[str, Callable[[random.Random], str]]:
    """What is asked, as an address, each time for something else."""

    def week(rnd: random.Random) -> str:
        first = date.today() - timedelta(days=rnd.randrange(20, 700))
        return f"StudyDate={first:%Y%m%d}-{first + timedelta(days=6):%Y%m%d}"

    return {
        "first page": lambda rnd: "",
        "first page of 101": lambda rnd: "limit=101",
        "offset 9,000": lambda rnd: "offset=9000",
        "by a rare name": lambda rnd: (
            f"PatientName={quote('*' + rnd.choice(GIVEN) + rnd.choice(GIVEN) + '*')}"
        ),
        "by *smith*": lambda rnd: "PatientName=*smith*",
        "by *王*": lambda rnd: f"PatientName={quote('*王*')}",
        "by 张*": lambda rnd: f"PatientName={quote('张*')}",
        "by patient ID": lambda rnd: f"PatientID={12000000 + rnd.randrange(number * 6 // 10):010}",
        "by part of an ID": lambda rnd: f"00100020=*{2000000 + rnd.randrange(number * 6 // 10)}*",
        "by accession number": lambda rnd: f"AccessionNumber=A{rnd.randrange(number):08}",
        "by study UID": lambda rnd: f"StudyInstanceUID=1.2.826.0.1.3680043.10.1401.1.{rnd.randrange(number)}",
        "week": week,
        "modality": lambda rnd: f"ModalitiesInStudy={rnd.choice(('CT', 'XA', 'PT'))}",
        "modality + week": lambda rnd: f"ModalitiesInStudy={rnd.choice(('CT', 'MR'))}&{week(rnd)}",
        "name + week": lambda rnd: f"PatientName={quote('*王*')}&{week(rnd)}",
        "a modality nobody has": lambda rnd: "ModalitiesInStudy=ZZ",
    }


def address(asked: str) -> str:
    limit = "" if "limit=" in asked else "limit=25&"
    return f"/dicom-web/studies?{limit}{FIELDS}&{asked}".rstrip("&")


def head(what: str) -> None:
    print(f"{what:34} {'bytes':>6} {'fastest':>8} {'p50':>8} {'p95':>8}   ms {'of a core':>12}")


def line(what: str, times: list[float], rows: int, core: float) -> None:
    """`core`: milliseconds of a core that all of them cost, the client left out."""
    times.sort()
    p50, p95 = times[len(times) // 2], times[int(len(times) * 0.95) - 1]
    each = core / len(times)
    print(f"{what:34} {rows:6} {times[0]:8.1f} {p50:8.1f} {p95:8.1f} {each:17.1f}", flush=True)


def in_process(actor: Any, number: int) -> None:
    """The service and the answer's bytes, without HTTP."""
    from starlette.datastructures import QueryParams

    from mip_app.core.database import read
    from mip_app.dicomweb import query
    from mip_app.studies.query import Level

    head("in process")
    for what, asked in cases(number).items():
        rnd, times, size, before = random.Random(1), [], 0, 0.0
        for n in range(RUNS + 3):
            parameters = QueryParams(address(asked(rnd)).partition("?")[2])
            before = time.process_time() if n == 3 else before
            begun = time.perf_counter()
            parsed = query.parse(Level.STUDY, parameters.multi_items(), {})
            found = read(query.answer, actor, parsed, {}, "http://here/dicom-web", False)
            if n >= 3:
                times.append((time.perf_counter() - begun) * 1000)
            size = len(found.body)
        line(what, times, size, (time.process_time() - before) * 1000)
    for what, filters in (
        ("the list", {}),
        ("the list, 王", {"keyword": "王"}),
        ("the list, CT", {"modalities": ("CT",)}),
        ("the list, its work views", {"counted": True}),
    ):
        times = []
        for n in range(RUNS + 3):
            before = time.process_time() if n == 3 else before
            begun = time.perf_counter()
            _list(actor, dict(filters))
            if n >= 3:
                times.append((time.perf_counter() - begun) * 1000)
        line(what, times, 0, (time.process_time() - before) * 1000)


def _list(actor: Any, filters: dict[str, Any]) -> None:
    from mip_app.core.database import read
    from mip_app.studies import worklist
    from mip_app.studies.filters import Filters

    if filters.pop("counted", False):
        read(worklist.waiting, actor, Filters())
    else:
        read(worklist.page, actor, Filters(**filters))


def through_server(key: str, number: int) -> None:
    """A server process of its own, one client, then fifty at once."""
    from tests.site import free_port

    port = free_port()
    environment = {**os.environ, "MIP_PORT": str(port), "MIP_HOST": "127.0.0.1"}
    with open(f"{os.environ['MIP_DATA_DIR']}/server.log", "wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "mip_app.cli", "run"],
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        url, headers = f"http://127.0.0.1:{port}", {"Authorization": f"Bearer {key}"}
        _wait(url)
        head("through the server")
        with httpx.Client(base_url=url, headers=headers, timeout=60) as client:
            for what, asked in cases(number).items():
                rnd, times, size, before = random.Random(1), [], 0, 0.0
                for n in range(RUNS + 3):
                    before = spent(server.pid) if n == 3 else before
                    begun = time.perf_counter()
                    answer = client.get(address(asked(rnd)))
                    if n >= 3:
                        times.append((time.perf_counter() - begun) * 1000)
                    assert answer.status_code == 200, answer.text
                    size = len(answer.content)
                line(what, times, size, spent(server.pid) - before)
        _fifty(url, headers, number, server.pid)
    finally:
        os.killpg(server.pid, signal.SIGINT)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)


def _fifty(url: str, headers: dict[str, str], number: int, server: int) -> None:
    """Fifty users, each asking anew as soon as they are answered. By wrk: a client in Python is slower than the server."""
    rnd, asks = random.Random(50), cases(number)
    names = ("first page", "by *王*", "by patient ID", "week", "modality + week")
    with tempfile.TemporaryDirectory() as folder:
        paths, script = Path(folder) / "paths", Path(folder) / "turn.lua"
        paths.write_text("".join(address(asks[rnd.choice(names)](rnd)) + "\n" for _ in range(1000)))
        script.write_text(TURN.format(paths=paths) + _SAYS)
        sent = [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
        command = ["wrk", "-t1", "-c50", "-d10s", "--timeout", "30s", *sent, "-s", str(script), url]
        before = spent(server)
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert "Non-2xx" not in said and "Socket errors" not in said, said
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1])  # type: ignore[index]
    fastest, p50, p95 = (float(word) / 1000 for word in said.split("LATENCIES")[1].split()[:3])
    each = (spent(server) - before) / (rate * 10)
    what = f"50 users at once, {rate:.0f}/s"
    print(f"{what:34} {0:6} {fastest:8.1f} {p50:8.1f} {p95:8.1f} {each:17.1f}", flush=True)


def _wait(url: str) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        try:
            if httpx.get(f"{url}/healthz", timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise RuntimeError("the server did not come up")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("numbers", nargs="*", type=int, default=[10_000], help="of studies")
    parser.add_argument("--database-url", default="", help="a PostgreSQL server; default: SQLite")
    parser.add_argument("--in-process", action="store_true", help="without the server")
    parser.add_argument(
        "--grants", action="store_true", help="most studies are another institution's, granted"
    )
    parser.add_argument(
        "--keep", default="", metavar="FOLDER", help="leave the databases, and use them again"
    )
    asked = parser.parse_args()
    for number in asked.numbers:
        _one(number, asked)
    return 0


def _one(number: int, asked: argparse.Namespace) -> None:
    kept = f"{asked.keep}-{number}{'-grants' if asked.grants else ''}" if asked.keep else ""
    with database(asked.database_url, kept):
        from mip_app.accounts import opening
        from mip_app.accounts.models import Role
        from mip_app.accounts.roles import PERMISSIONS
        from mip_app.core.actor import Actor
        from mip_app.core.database import engine, write
        from mip_app.core.settings import settings
        from mip_app.serving.migration import migrate
        from mip_app.studies.models import Study

        for cached in (settings, engine):
            cached.cache_clear()
        migrate()
        alliance = write(opening.open_alliance, opening.CONSOLE, "bench")
        institution = write(opening.open_institution, opening.CONSOLE, alliance, "B1", "bench")
        giver = (
            write(opening.open_institution, opening.CONSOLE, alliance, "B2", "giver") if asked.grants else 0
        )
        key = write(opening.create_api_key, opening.CONSOLE, institution, "bench")
        begun = time.perf_counter()
        with engine().connect() as connection:
            filled = connection.execute(select(Study.id).limit(1)).first() is not None
        if not filled:
            user = (("bench", "bench", "a long password", Role.REVIEWER),) if asked.grants else ()
            for one in user:
                write(opening.open_account, opening.CONSOLE, *one, institution_id=institution)
            fill(institution, number, giver, USER if giver else 0)
        gc.collect()
        kind = engine().dialect.name
        print(f"\n{kind}: {number:,} studies, filled in {time.perf_counter() - begun:.0f} s", flush=True)
        in_process(Actor(USER if giver else None, "bench", institution, PERMISSIONS[Role.REVIEWER]), number)
        if not asked.in_process:
            through_server(key, number)
        for made in (engine(), engine(read_only=True)):
            made.dispose()


if __name__ == "__main__":
    sys.exit(main())
