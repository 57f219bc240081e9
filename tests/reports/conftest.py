"""A study of JN1 with people around it, and what a page would send about it."""

from collections.abc import Callable
from datetime import UTC, datetime

import pydicom.data
import pytest

from mip_app.accounts.models import Role
from mip_app.core import database
from mip_app.core.actor import Actor
from mip_app.reports import holding, service
from mip_app.reports.draft import Draft, Outcome

NOW = datetime(2026, 11, 24, 6, 31, tzinfo=UTC)
FINDINGS = "胸廓对称，两肺纹理清晰，未见明确实变影。"
IMPRESSION = "胸部CT平扫未见明确异常。"


@pytest.fixture
def study(ingest: Callable[..., list]) -> str:
    """The UID of a study of JN1, ingested from a real file."""
    path = pydicom.data.get_testdata_file("CT_small.dcm", download=False)
    ingest([path])
    return str(pydicom.dcmread(path, stop_before_pixels=True).StudyInstanceUID)


@pytest.fixture
def lin(actor: Callable[..., Actor]) -> Actor:
    return actor(Role.REPORTER, "林望舒")


@pytest.fixture
def zhou(actor: Callable[..., Actor]) -> Actor:
    return actor(Role.REVIEWER, "周知白")


@pytest.fixture
def chen(actor: Callable[..., Actor]) -> Actor:
    return actor(Role.CLINICIAN, "陈素")


@pytest.fixture
def outsider(actor: Callable[..., Actor], qh2: int) -> Actor:
    return actor(Role.REVIEWER, "外院医生", institution=qh2)


class Window:
    """One browser window on a report: what it knows is what the server told it."""

    def __init__(self, who: Actor, study_uid: str) -> None:
        self.who, self.study_uid = who, study_uid
        self.fence: int | None = None
        self.revision = self.view()["text"]["revision"]

    def view(self, now: datetime = NOW) -> service.View:
        return database.read(service.look, self.who, self.study_uid, now)

    def do(
        self,
        act: Callable[..., Outcome],
        findings: str = "",
        impression: str = "",
        now: datetime = NOW,
        **more: object,
    ) -> Outcome:
        sent = {"fence": self.fence, "revision": self.revision} | more
        draft = Draft(self.study_uid, findings=findings, impression=impression, with_text=True, **sent)
        outcome = database.write(act, self.who, draft, now)
        if outcome.ok:
            self.revision = outcome.revision
        return outcome

    def take(self, now: datetime = NOW) -> Outcome:
        outcome = self.do(holding.take, now=now)
        self.fence = outcome.fence
        return outcome

    def leave(
        self, findings: str = "", impression: str = "", now: datetime = NOW, with_text: bool = True
    ) -> None:
        draft = Draft(self.study_uid, self.fence, self.revision, findings, impression, with_text)
        database.write(holding.leave, self.who, draft, now)
        self.fence = None

    def text(self, now: datetime = NOW) -> tuple[str, str]:
        text = self.view(now)["text"]
        return text["findings"], text["impression"]

    def versions(self) -> list[tuple[int, str, str]]:
        return [(v["number"], v["kind"], v["by"]) for v in reversed(self.view()["versions"])]


@pytest.fixture
def window(study: str) -> Callable[[Actor], Window]:
    return lambda who: Window(who, study)
