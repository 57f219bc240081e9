"""Jobs: done once committed, again after a failure, taken up again when their process dies, in the asker's name."""

import contextlib
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import redis
from sqlmodel import Session, select

from mip_app.accounts.models import Membership, Role
from mip_app.core import database
from mip_app.core.actor import Actor, Permission
from mip_app.core.clock import utc_now
from mip_app.core.errors import NotVisible
from mip_app.core.settings import settings
from mip_app.jobs import kinds, relay, running, service
from mip_app.jobs.models import Job, JobState
from tests.site import REPOSITORY

PARTS = ["a", "b", "c"]


@pytest.fixture
def kind(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Declare the handler of `test` for one test."""

    def declare(handler: kinds.Handler, attempts: int = 3) -> None:
        made = kinds.Kind("test", Permission.STUDY_READ, Permission.ADMIN_NODES, attempts, handler)
        monkeypatch.setitem(kinds.KINDS, "test", made)

    return declare


@pytest.fixture(autouse=True)
def own_queue(db: None) -> Iterator[None]:
    """Not one named after another test's database."""
    relay.broker.cache_clear()
    yield
    relay.broker.cache_clear()


@pytest.fixture
def at_work(own_queue: None) -> Iterator[None]:
    """The threads that the web process has, and its relay."""
    threads = relay.worker()
    yield
    relay.stop(threads)
    running.ending.clear()


def row(job: int) -> Job:
    with Session(database.engine()) as session:
        return session.get_one(Job, job)


def until(true: Callable[[], bool], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "did not come"
        time.sleep(0.02)  # another thread or process is at work


def ended(job: int) -> Job:
    def over() -> bool:
        relay.hand_over()
        return row(job).state in service.ENDED

    until(over)
    return row(job)


def due_now(job: int) -> None:
    with Session(database.engine()) as session, session.begin():
        session.get_one(Job, job).next_at = utc_now() - timedelta(seconds=1)


def test_it_is_done_part_by_part_and_only_what_failed_is_tried_again(
    actor: Callable[..., Actor], kind: Callable[..., None], at_work: None
) -> None:
    tried: list[str] = []

    def handler(run: kinds.Running) -> None:
        for part in [part for part in PARTS if run.parts().get(part) != ""]:
            tried.append(part)
            run.note({part: "broken" if part == "b" and tried.count("b") == 1 else ""}, len(PARTS))
        if any(run.parts().values()):
            raise kinds.TryAgain("dimse.some_failed")

    kind(handler)
    by = actor(Role.REPORTER)
    job = database.write(service.ask, by, "test", {})
    until(lambda: bool(relay.hand_over()) or row(job).attempts == 1)
    until(lambda: row(job).attempts == 1)
    waiting = row(job)
    assert (waiting.state, waiting.error) == (JobState.WAITING, "dimse.some_failed")
    assert (waiting.done, waiting.failed, waiting.total) == (2, 1, 3)
    assert waiting.next_at > utc_now() + timedelta(seconds=2)
    due_now(job)
    assert (ended(job).state, row(job).done, row(job).failed) == (JobState.DONE, 3, 0)
    assert tried == ["a", "b", "c", "b"]


def test_it_gives_up_after_its_attempts_and_says_why(
    actor: Callable[..., Actor], kind: Callable[..., None], at_work: None
) -> None:
    def handler(run: kinds.Running) -> None:
        due_now_after.append(run.id)
        raise kinds.TryAgain("dimse.unreachable")

    due_now_after: list[int] = []
    kind(handler, attempts=2)
    job = database.write(service.ask, actor(Role.REPORTER), "test", {})
    relay.hand_over()
    until(lambda: row(job).attempts == 1)
    due_now(job)
    failed = ended(job)
    assert (failed.state, failed.error, failed.attempts) == (JobState.FAILED, "dimse.unreachable", 2)
    assert len(due_now_after) == 2


def test_who_lost_the_right_meanwhile_gets_nothing_done(
    actor: Callable[..., Actor], kind: Callable[..., None], at_work: None
) -> None:
    ran: list[int] = []
    kind(lambda run: ran.append(run.id))
    by = actor(Role.REPORTER)
    job = database.write(service.ask, by, "test", {})
    with Session(database.engine()) as session, session.begin():
        session.exec(select(Membership).where(Membership.user_id == by.user_id)).one().disabled = True
    assert (ended(job).state, row(job).error) == (JobState.FAILED, "job.not_permitted")
    assert ran == []


def test_one_that_is_cancelled_stops_before_its_next_part(
    actor: Callable[..., Actor], kind: Callable[..., None], at_work: None
) -> None:
    tried: list[str] = []
    by, other, admin = actor(Role.REPORTER), actor(Role.REPORTER), actor(Role.INSTITUTION_ADMIN)

    def handler(run: kinds.Running) -> None:
        for part in PARTS:
            tried.append(part)
            if part == "b":
                database.write(service.cancel, admin, run.id)
            run.note({part: ""}, len(PARTS))

    kind(handler)
    job = database.write(service.ask, by, "test", {})
    with pytest.raises(NotVisible):
        database.write(service.cancel, other, job)
    assert (ended(job).state, row(job).done) == (JobState.CANCELLED, 1)
    until(lambda: tried == ["a", "b"])
    with pytest.raises(service.JobOver):
        database.write(service.cancel, by, job)
    database.write(service.again, by, job)
    assert row(job).state == JobState.WAITING


def test_whoever_lost_the_lease_writes_nothing_any_more(
    actor: Callable[..., Actor], kind: Callable[..., None]
) -> None:
    kind(lambda run: None)
    by = actor(Role.REPORTER)
    job = database.write(service.ask, by, "test", {})
    taken = database.write(lambda session, _: running._take(session, job), by)
    assert taken
    dead = running.Run(taken, by)
    due_now(job)
    relay.hand_over()
    assert (row(job).state, row(job).attempts) == (JobState.WAITING, 1)
    with pytest.raises(kinds.Stopped):
        dead.note({"a": ""}, 3)
    assert (row(job).done, running.Run(row(job), by).parts()) == (0, {})


WORKER = """
import time
from mip_app.core.actor import Permission
from mip_app.jobs import command, kinds

@kinds.kind("test", needs=Permission.STUDY_READ, kept_by=Permission.ADMIN_NODES)
def handler(run):
    for part in [str(n) for n in range(40)]:
        if run.parts().get(part) != "":
            time.sleep(0.02)
            run.note({part: ""}, 40)

command.work()
"""


@contextlib.contextmanager
def process() -> Iterator[subprocess.Popen[bytes]]:
    made = subprocess.Popen([sys.executable, "-c", WORKER], cwd=REPOSITORY, env=dict(os.environ))
    try:
        yield made
    finally:
        made.kill()
        made.wait()


def test_a_job_survives_the_end_of_its_process_also_over_redis(
    actor: Callable[..., Actor], kind: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIP_JOB_LEASE_SECONDS", "1")
    monkeypatch.setenv("MIP_REDIS_URL", os.environ.get("MIP_TEST_REDIS", "redis://127.0.0.1:6379/13"))
    _answers(settings_again().redis_url)
    kind(lambda run: None)
    job = database.write(service.ask, actor(Role.REPORTER), "test", {"name": uuid.uuid4().hex})
    with process() as made:
        until(lambda: row(job).done > 2)
        made.send_signal(signal.SIGKILL)
        made.wait()
    assert row(job).state == JobState.RUNNING
    with process() as made:
        until(lambda: row(job).state == JobState.DONE)
        made.send_signal(signal.SIGTERM)
    assert (row(job).done, row(job).failed, row(job).attempts) == (40, 0, 1)


def settings_again():
    settings.cache_clear()
    return settings()


def _answers(url: str) -> None:
    try:
        redis.Redis.from_url(url, socket_connect_timeout=1).ping()
    except redis.RedisError as error:
        pytest.skip(f"no Redis answers ({type(error).__name__})")
