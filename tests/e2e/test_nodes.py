"""The administrator of a hospital registers a system, tests it, sees what is on its way, and takes it out again."""

import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import Session

from mip_app.core import database
from mip_app.core.clock import utc_now
from mip_app.dimse import sending
from mip_app.dimse.models import Node
from mip_app.jobs.models import Job, JobState
from tests.conftest import OnDisk
from tests.e2e.conftest import Person
from tests.e2e.test_structure import administers, fill
from tests.ingest import made
from tests.site import Site, inside


def job_of(site: Site, name: str) -> int:
    """A sending of the reporter's that failed in the middle; its number."""
    with inside(site.data), Session(database.engine()) as session, session.begin():
        person = site.person("linwangshu")
        row = Job(
            kind=sending.KIND,
            payload={"study": "1.2.3", "series": [], "node": 0, "name": name},
            user_id=person.user,
            institution_id=person.institution,
            state=JobState.FAILED,
            done=3,
            failed=1,
            total=9,
            error="dimse.unreachable",
            next_at=utc_now(),
            created_at=utc_now(),
            ended_at=utc_now(),
        )
        session.add(row)
        session.flush()
        return row.id or 0


@pytest.mark.parametrize("viewport", ["desktop", "phone"])
def test_a_system_is_registered_tested_changed_and_removed(
    someone: Callable[..., Person], site: Site, viewport: str
) -> None:
    tag = uuid.uuid4().hex[:6]
    job_of(site, f"归档 {tag}")
    page = administers(someone("guanli", viewport), "/admin/nodes")
    expect(page.locator("#own-title")).to_have_text("MIP")
    page.click("#add-node")
    fill(page, **{"node-node_name": f"CT {tag}", "node-ae_title": "A\\B", "node-address": "127.0.0.1"})
    page.click("#save-node")
    expect(page.locator("#node-ae_title-fault")).to_contain_text("反斜杠")
    fill(page, **{"node-ae_title": f"CT{tag}", "node-port": "104"})
    page.check("#node-may_query")
    page.click("#save-node")
    row = page.locator("#node-rows > li", has_text=tag)
    expect(row).to_contain_text(f"CT{tag}")
    expect(row).to_contain_text("127.0.0.1:104")
    expect(row.get_by_text("查询", exact=True)).to_be_visible()
    expect(row.get_by_text("调取", exact=True)).to_have_count(0)
    # This machine is no node: nothing is called, and the page says why.
    act(row, "test")
    expect(row.get_by_role("status")).to_contain_text("不允许连接本机")
    act(row, "change")
    fill(page, **{"node-address": "192.0.2.7"})
    page.click("#save-node")
    expect(row).to_contain_text("192.0.2.7:104")
    act(row, "disable")
    expect(row).to_contain_text("已停用")
    on_its_way(page, tag)
    act(row, "remove")
    expect(page.locator("#remove-node")).to_contain_text(f"CT{tag}")
    page.click("#do-remove-node")
    expect(row).to_have_count(0)


def act(row, name: str) -> None:
    row.locator(f"[data-act={name}]").click()


def on_its_way(page: Page, tag: str) -> None:
    """What failed is tried again by a click, and says how far it is."""
    sent = page.locator("#sending-rows > li", has_text=tag)
    expect(sent).to_contain_text("3 / 9")
    expect(sent).to_contain_text("连接不上")
    act(sent, "again")
    expect(sent).to_contain_text("节点不存在或已停用")  # the job ran, and there is no such node


@pytest.mark.parametrize("viewport", ["desktop", "phone"])
def test_a_doctor_sends_a_study_from_the_list_and_sees_how_far_it_is(
    someone: Callable[..., Person], site: Site, tmp_path: Path, viewport: str
) -> None:
    tag = uuid.uuid4().hex[:6]
    paths = [tmp_path / f"{number}.dcm" for number in (1, 2)]
    for number, path in enumerate(paths, 1):
        path.write_bytes(made.image(number, study=int(tag, 16), patient=f"SEND{tag}"))
    site.store([OnDisk(path) for path in paths])
    with inside(site.data), Session(database.engine()) as session, session.begin():
        here = site.institutions["JN1"]
        session.add(
            Node(institution_id=here, name=f"归档 {tag}", ae_title=f"A{tag}", address="127.0.0.1", port=104)
        )
    page = someone("linwangshu", viewport).signs_in()
    page.locator(f'[data-uid="{made.ROOT}.{int(tag, 16)}"] [data-act=send]:visible').click()
    page.locator("#send-targets button", has_text=tag).click()
    expect(page.locator("#send-state")).to_contain_text("0 / 2")
    expect(page.locator("#send")).to_contain_text("不允许连接本机")  # told by the job, without a click
    page.get_by_role("button", name="停止发送").click()
    expect(page.locator("#send-state")).to_contain_text("已取消")
    page.click("#close-send")
    expect(page.locator("#send")).to_be_hidden()
