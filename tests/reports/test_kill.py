"""The server dies while somebody writes: what was said to be saved is there."""

import subprocess
import sys
from pathlib import Path

import pytest

from mip_app.core import database
from mip_app.reports import service
from tests.images import Made, study
from tests.site import REPOSITORY, Site, inside

# Autosaves without end, saying after each what was acknowledged.
WRITER = """
import sys
from mip_app.core.actor import Actor
from mip_app.core.database import write
from mip_app.accounts.roles import PERMISSIONS, Role
from mip_app.reports import holding, writing
from mip_app.reports.draft import Draft

uid, institution, user = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
actor = Actor(user, "林望舒", institution, PERMISSIONS[Role.REPORTER])
held = write(holding.take, actor, Draft(uid))
fence, revision, number = held.fence, held.revision, 0
while True:
    number += 1
    draft = Draft(uid, fence, revision, f"所见 {number}", f"意见 {number}", with_text=True)
    saved = write(writing.autosave, actor, draft)
    assert saved.ok, saved
    revision = saved.revision
    print(number, flush=True)
"""


@pytest.mark.parametrize("after", [3, 17, 40])
def test_an_autosave_that_was_acknowledged_survives_kill_9(tmp_path: Path, after: int) -> None:
    site = Site(tmp_path)
    with inside(tmp_path):
        site.open_up()
    slices = study(slices=1)
    site.store([Made(slices[0])])
    uid = str(slices[0].StudyInstanceUID)
    with inside(tmp_path):
        person = site.person("linwangshu")
        command = [sys.executable, "-c", WRITER, uid, str(person.institution_id), str(person.user_id)]
        process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
        assert process.stdout
        for _ in range(after):
            acknowledged = int(process.stdout.readline())
        process.kill()
        rest = process.stdout.read().split()
        acknowledged = int(rest[-1]) if rest else acknowledged
        process.wait()
        view = database.read(service.look, person, uid)
        # The kill may have come between commit and word: then one more is stored than was said.
        assert view["text"]["findings"] in {f"所见 {acknowledged}", f"所见 {acknowledged + 1}"}
        assert view["lock"]["holder"] == "林望舒"
