"""The list of studies over 100,000 of them: server time of a page, for every filter, order and depth.

python -m benchmarks.list                                      SQLite in a folder of its own
python -m benchmarks.list --database-url postgresql+psycopg://postgres@127.0.0.1:5432
                                                               a database of its own on that server
"""

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, insert, text

STUDIES, PATIENTS, RUNS, LIMIT = 100_000, 60_000, 20, 50.0
SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾萧田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
GIVEN = "伟芳娜敏静秀丽强磊军洋艳勇娟涛明超兰霞平刚桂英华玉红春梅建国志文海云飞小雪思若素远清宁安和乐欣怡子涵梓轩雨泽浩宇晨一诺佳琪俊杰嘉豪天佑书瑶梦婷诗慧雅琴淑贞凤仙德福永康长庆新民光辉宝玲翠荣"
MODALITIES = {"CT": 35, "MR": 20, "DX": 20, "US": 15, "CR": 5.7, "MG": 3, "PT": 1, "XA": 0.3}
CLASSES = {"O": 60, "I": 30, "E": 8, "H": 2}
CONTRASTS = {"plain": 70, "enhanced": 20, "both": 10}
PARTS = ("CHEST", "HEAD", "ABDOMEN", "LSPINE", "KNEE", "PELVIS", "NECK", "BREAST")
AUTHORS = ("林望舒", "何为", "周知白", "沈如晦")


def pick(rnd: random.Random, weights: dict[str, float]) -> str:
    return rnd.choices(list(weights), list(weights.values()))[0]


def fill(institution: int) -> None:
    """Two years of an institution, more of it lately; the same every time."""
    from mip_app.core.clock import utc_now
    from mip_app.core.database import engine
    from mip_app.dicom.names import search_keys
    from mip_app.studies.models import Patient, PatientKey, Study

    rnd, now = random.Random(20261124), utc_now()
    keys_of = cache(search_keys)
    surname_weights = [1 / (rank + 4) for rank in range(len(SURNAMES))]
    with engine().begin() as connection:
        first = (connection.execute(text("SELECT coalesce(max(id), 0) FROM patient")).scalar() or 0) + 1
        patients, keys = [], []
        for n in range(PATIENTS):
            name = rnd.choices(SURNAMES, surname_weights)[0] + "".join(
                rnd.choice(GIVEN) for _ in range(1 if rnd.random() < 0.2 else 2)
            )
            number = f"{12000000 + n:010}"
            patients.append(
                {
                    "id": first + n,
                    "institution_id": institution,
                    "patient_id": number,
                    "issuer": "",
                    "name": name,
                    "person_name": name,
                    "sex": rnd.choice("MF"),
                    "birth_date": date(1930, 1, 1) + timedelta(days=rnd.randrange(33000)),
                }
            )
            keys += [
                {"patient_id": first + n, "key": key, "institution_id": institution}
                for key in {*keys_of(name), number}
            ]
        studies = [_study(rnd, now, institution, first, n) for n in range(STUDIES)]
        for table, rows in ((Patient, patients), (PatientKey, keys), (Study, studies)):
            for start in range(0, len(rows), 5000):
                connection.execute(insert(table), rows[start : start + 5000])
    analyze()


def analyze() -> None:
    """PostgreSQL does this by itself after a while; SQLite must do without."""
    from mip_app.core.database import engine

    if engine().dialect.name == "postgresql":
        with engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))


def _study(rnd: random.Random, now: datetime, institution: int, first: int, n: int) -> dict[str, Any]:
    age = 730 * rnd.random() ** 1.5
    at = (now - timedelta(days=age)).replace(microsecond=0)
    lately = {"none": 50, "draft": 8, "preliminary": 20, "final": 20, "amended": 2}
    long_ago = {"none": 1.5, "draft": 0.2, "returned": 0.1, "preliminary": 1, "final": 94.2, "amended": 3}
    status = pick(rnd, lately if age < 3 else long_ago)
    printed = status in ("final", "amended") and rnd.random() < 0.7
    modality = pick(rnd, MODALITIES)
    return {
        "institution_id": institution,
        "study_uid": f"1.2.826.0.1.3680043.10.1401.{institution}.{n}.{rnd.getrandbits(60)}",
        "patient_pk": first + int(PATIENTS * (1 - age / 731) * (1 - rnd.random() ** 3)),  # often a new one
        "accession_number": f"A{n:08}",
        "study_id": "",
        "description": f"{rnd.choice(('胸部', '颅脑', '上腹部', '腰椎'))}{modality}检查",
        "referring_physician": "",
        "study_date": at.date(),
        "study_time": f"{at:%H%M%S}",
        "studied_at": at,
        "patient_age": "",
        "modality": modality,
        "modalities": modality,
        "body_part": rnd.choice(PARTS),
        "patient_class": pick(rnd, CLASSES),
        "contrast": pick(rnd, CONTRASTS) if modality in ("CT", "MR") else "",
        "series_count": rnd.randrange(1, 9),
        "instance_count": rnd.randrange(1, 1500),
        "received_at": at,
        "report_status": status,
        "report_author": "" if status == "none" else rnd.choice(AUTHORS),
        "report_author_id": None,
        "printed_at": at + timedelta(hours=rnd.random() * 48) if printed else None,
        "lock_holder_id": None,
        "lock_holder": "",
        "lock_expires_at": None,
        "lock_since": None,
    }


def cases(actor: Any) -> Iterator[tuple[str, Any, Any]]:
    """(what, filters, place): the place is after so many rows in that order."""
    from mip_app.studies.filters import Days, Filters, Sort

    every = Filters()
    yield "first page", every, None
    yield "page at row 50,000", every, walk(actor, every, 50_000)
    yield (
        "page at row 50,000, oldest first",
        (old := replace(every, newest_first=False)),
        walk(actor, old, 50_000),
    )
    for newest_first in (True, False):
        by_print = Filters(sort=Sort.PRINTED, newest_first=newest_first)
        way = "newest" if newest_first else "oldest"
        yield f"by print time, {way} first", by_print, None
        yield f"by print time, {way} first, row 30,000", by_print, walk(actor, by_print, 30_000)
        yield f"by print time, {way} first, not printed", by_print, walk(actor, by_print, 90_000)
    for days in (Days.TODAY, Days.THREE, Days.WEEK, Days.MONTH):
        yield f"days: {days}", Filters(days=days), None
        yield f"days: {days}, by print time", Filters(days=days, sort=Sort.PRINTED), None
    start = datetime.now(UTC).date() - timedelta(days=500)
    a_range = Filters(days=Days.RANGE, start=start, end=start + timedelta(days=10))
    yield "range of ten days, 500 days ago", a_range, None
    yield "the same, by print time", replace(a_range, sort=Sort.PRINTED), None
    for sort in Sort:
        yield f"modality CT, by {sort}", Filters(modalities=("CT",), sort=sort), None
        yield f"modality XA (0.3 %), by {sort}", Filters(modalities=("XA",), sort=sort), None
        yield f"modality OTHER (none), by {sort}", Filters(modalities=("OTHER",), sort=sort), None
        yield f"status returned (0.1 %), by {sort}", Filters(statuses=("returned",), sort=sort), None
        yield f"status none or draft, by {sort}", Filters(statuses=("none", "draft"), sort=sort), None
        yield f"status final, by {sort}", Filters(statuses=("final",), sort=sort), None
        narrow = Filters(modalities=("MR",), classes=("H",), contrasts=("both",), sort=sort)
        yield f"MR, health check, plain+enhanced, by {sort}", narrow, None
        yield f"returned XA, by {sort}", Filters(statuses=("returned",), modalities=("XA",), sort=sort), None
        for keyword in ("zs", "zhangsan", "张", "w", "z", "0", "001200", "0012000007", "qqqq"):
            yield f"keyword {keyword}, by {sort}", Filters(keyword=keyword, sort=sort), None
        yield f"keyword w, XA, by {sort}", Filters(keyword="w", modalities=("XA",), sort=sort), None
        yield f"keyword w, returned, by {sort}", Filters(keyword="w", statuses=("returned",), sort=sort), None
        yield (
            f"keyword zhang, OTHER, by {sort}",
            Filters(keyword="zhang", modalities=("OTHER",), sort=sort),
            None,
        )
        yield f"keyword zs, today, by {sort}", Filters(keyword="zs", days=Days.TODAY, sort=sort), None


def walk(actor: Any, filters: Any, rows: int) -> Any:
    from mip_app.core.database import read
    from mip_app.studies import worklist

    place = None
    for _ in range(0, rows, 1000):
        place = read(worklist.page, actor, filters, place, True, 1000).places[-1]
    return place


def measure(actor: Any) -> int:
    """Prints a line for every case; answers how many were too slow."""
    from mip_app.core.database import read
    from mip_app.studies import worklist

    slow = 0
    print(f"{'':52} {'rows':>5} {'fastest':>8} {'median':>8} {'p95':>8}   ms")
    for what, filters, place in cases(actor):
        times = []
        for _ in range(RUNS):
            begun = time.perf_counter()
            page = read(worklist.page, actor, filters, place)
            times.append((time.perf_counter() - begun) * 1000)
        median, p95 = statistics.median(times), sorted(times)[int(RUNS * 0.95) - 1]
        slow += median > LIMIT
        mark = "   too slow" if median > LIMIT else ""
        print(f"{what:52} {len(page.rows):5} {min(times):8.1f} {median:8.1f} {p95:8.1f}{mark}", flush=True)
    for what, service in (
        ("count of everything", worklist.count),
        ("counts of the work views", worklist.waiting),
    ):
        from mip_app.studies.filters import Filters

        for keyed in (Filters(), Filters(modalities=("XA",)), Filters(keyword="w", modalities=("OTHER",))):
            begun = time.perf_counter()
            for _ in range(RUNS):
                read(service, actor, keyed)
            each = (time.perf_counter() - begun) * 1000 / RUNS
            print(f"{what + ' ' + ','.join((*keyed.modalities, keyed.keyword)):52} {'':5} {each:8.1f}")
    return slow


@contextmanager
def database(server: str, kept: str = "") -> Iterator[None]:
    """A database that lasts as long as the measurement, or stays under a name: a folder's."""
    if kept:
        Path(kept).mkdir(parents=True, exist_ok=True)
    with nullcontext(kept) if kept else tempfile.TemporaryDirectory(prefix="mip-bench-") as folder:
        os.environ["MIP_DATA_DIR"], os.environ["MIP_DATABASE_URL"] = folder, ""
        if not server:
            yield
            return
        name, admin = (
            f"mip_bench_{Path(kept).name if kept else uuid.uuid4().hex[:8]}",
            create_engine(f"{server}/postgres", isolation_level="AUTOCOMMIT"),
        )
        with admin.connect() as connection:
            there = connection.execute(
                text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": name}
            )
            if there.first() is None:
                connection.execute(text(f'CREATE DATABASE "{name}"'))
        os.environ["MIP_DATABASE_URL"] = f"{server}/{name}"
        try:
            yield
        finally:
            if not kept:
                with admin.connect() as connection:
                    connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--database-url", default="", help="a PostgreSQL server; default: SQLite")
    with database(parser.parse_args().database_url):
        from mip_app.accounts import opening
        from mip_app.accounts.models import Role
        from mip_app.accounts.roles import PERMISSIONS
        from mip_app.core.actor import Actor
        from mip_app.core.database import engine, write
        from mip_app.serving.migration import migrate

        migrate()
        alliance = write(opening.open_alliance, opening.CONSOLE, "bench")
        institution = write(opening.open_institution, opening.CONSOLE, alliance, "B1", "bench")
        begun = time.perf_counter()
        fill(institution)
        print(
            f"{engine().dialect.name}: {STUDIES:,} studies of {PATIENTS:,} patients, "
            f"filled in {time.perf_counter() - begun:.0f} s"
        )
        slow = measure(Actor(None, "bench", institution, PERMISSIONS[Role.REVIEWER]))
        for made in (engine(), engine(read_only=True)):
            made.dispose()
    print(f"{slow} slower than {LIMIT:.0f} ms" if slow else f"all under {LIMIT:.0f} ms")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    sys.exit(main())
