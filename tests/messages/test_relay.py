"""Messages on their way: sent once committed, again after a failure, never too late, and forgotten when sent."""

import asyncio
import os
import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from mip_app.accounts.opening import CONSOLE
from mip_app.core import database
from mip_app.core.clock import utc_now
from mip_app.core.settings import settings
from mip_app.messages import outbox, relay, tencent
from mip_app.messages.models import OutboxMessage, Template
from tests.loops import run
from tests.messages.provider import SECRET_ID, SECRET_KEY, Provider, provider, refused

PHONE, CODE = "13800000210", "482913"


@pytest.fixture
def tencent_cloud(db: str, monkeypatch: pytest.MonkeyPatch):
    with provider() as made:
        monkeypatch.setenv("MIP_SMS_URL", made.url)
        monkeypatch.setenv("MIP_SMS_SECRET_ID", SECRET_ID)
        monkeypatch.setenv("MIP_SMS_SECRET_KEY", SECRET_KEY)
        monkeypatch.setenv("MIP_SMS_APP_ID", "1400006666")
        monkeypatch.setenv("MIP_SMS_SIGN_NAME", "江南影像")
        monkeypatch.setenv("MIP_SMS_TEMPLATES", '{"code.bind": "1110"}')
        settings.cache_clear()
        yield made


def put(minutes: float = 5, template: Template = Template.CODE_BIND) -> None:
    with Session(database.engine()) as session, session.begin():
        outbox.put(session, PHONE, template, [CODE, "5"], utc_now() + timedelta(minutes=minutes))


def row() -> OutboxMessage:
    with Session(database.engine()) as session:
        return session.exec(select(OutboxMessage)).one()


def due_again() -> None:
    with Session(database.engine()) as session, session.begin():
        session.exec(select(OutboxMessage)).one().due_at = utc_now()


def deliver() -> int:
    sender = relay.sender()
    assert sender
    return run(relay.deliver(sender))


def test_a_message_goes_out_signed_and_nothing_of_it_stays(tencent_cloud: Provider) -> None:
    put()
    assert deliver() == 1
    assert tencent_cloud.unsigned == []
    (got,) = tencent_cloud.got
    assert got["PhoneNumberSet"] == [f"+86{PHONE}"]
    assert (got["TemplateId"], got["TemplateParamSet"]) == ("1110", [CODE, "5"])
    assert (got["SmsSdkAppId"], got["SignName"]) == ("1400006666", "江南影像")
    assert row().sent_at
    assert (row().phone, row().parameters, row().due_at) == ("", "", None)
    assert deliver() == 0


def test_phone_and_code_are_sealed_while_they_wait(db: str) -> None:
    put()
    stored = repr(row().model_dump())
    assert PHONE not in stored
    assert CODE not in stored
    (waiting,) = database.read(outbox.waiting, CONSOLE)
    assert (waiting.phone, waiting.parameters) == (PHONE, [CODE, "5"])
    assert CODE in relay.in_words(waiting)
    assert CODE not in repr(waiting)


@pytest.mark.parametrize(
    "trouble",
    [
        lambda body: (500, {}),
        lambda body: (0, b""),
        lambda body: (200, b"<html>"),
        lambda body: (200, {"Response": {}}),
        refused("InternalError.Timeout"),
        refused("RequestLimitExceeded", whole=True),
    ],
    ids=["500", "no answer", "not JSON", "not an answer", "internal error", "too fast"],
)
def test_what_may_pass_is_tried_again_later(tencent_cloud: Provider, trouble) -> None:
    tencent_cloud.answers = [trouble]
    put()
    assert deliver() == 1
    assert row().error
    assert PHONE not in row().error
    assert row().due_at > utc_now()
    assert deliver() == 0  # not at once
    due_again()
    assert deliver() == 1
    assert (row().error, row().attempts, bool(row().sent_at)) == ("", 2, True)


def test_a_provider_that_hangs_holds_nobody_up(
    tencent_cloud: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    monkeypatch.setattr(tencent, "SECONDS", 0.2)
    hang = threading.Event()
    tencent_cloud.answers = [lambda body: (hang.wait(5) and 200, {})]
    put()
    assert deliver() == 1
    hang.set()
    assert row().error == "ReadTimeout"
    assert row().due_at


@pytest.mark.parametrize("whole", [True, False])
def test_what_is_refused_for_good_is_not_asked_again(tencent_cloud: Provider, whole: bool) -> None:
    tencent_cloud.answers = [refused("FailedOperation.TemplateIncorrectOrUnapproved", whole=whole)]
    put()
    assert deliver() == 1
    assert (row().due_at, row().sent_at, row().phone) == (None, None, "")
    assert row().error == "FailedOperation.TemplateIncorrectOrUnapproved"


def test_a_template_that_nobody_named_is_said(tencent_cloud: Provider) -> None:
    put(template=Template.CODE_FORGOT)
    assert deliver() == 1
    assert "MIP_SMS_TEMPLATES" in row().error
    assert tencent_cloud.got == []


def test_what_is_too_late_is_never_sent_and_wiped(tencent_cloud: Provider) -> None:
    put(minutes=-0.1)
    assert deliver() == 0
    with Session(database.engine()) as session, session.begin():
        assert outbox.wipe_late(session) == 1
    assert (row().phone, row().parameters, row().due_at) == ("", "", None)
    assert tencent_cloud.got == []


def test_a_relay_that_is_killed_while_it_sends_loses_nothing(tencent_cloud: Provider) -> None:
    put()
    claims = "from sqlmodel import Session; from mip_app.core.database import engine; from mip_app.messages import relay\nwith Session(engine()) as s, s.begin():\n    assert len(relay.claim(s)) == 1\nprint('claimed', flush=True)\nimport signal; signal.pause()"
    process = subprocess.Popen([sys.executable, "-c", claims], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "claimed\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert deliver() == 0  # its claim still stands
    due_again()
    assert deliver() == 1
    assert row().sent_at


def test_two_relays_do_not_send_the_same_message(tencent_cloud: Provider) -> None:
    for _ in range(5):
        put()
    sender = relay.sender()
    assert sender

    async def both() -> list[int]:
        return await asyncio.gather(relay.deliver(sender), relay.deliver(sender))

    assert sum(run(both())) == 5
    assert len(tencent_cloud.got) == 5


def test_the_signature_is_the_one_of_the_providers_own_example() -> None:
    # The example of Tencent Cloud's description of the signature.
    body = b'{"Limit": 1, "Filters": [{"Values": ["\\u672a\\u547d\\u540d"], "Name": "instance-name"}]}'
    signed = {"content-type": "application/json; charset=utf-8", "host": "cvm.tencentcloudapi.com"}
    given = tencent.authorization(
        "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE",
        "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE",
        "cvm",
        signed,
        body,
        1551113065,
    )
    assert given == (
        "TC3-HMAC-SHA256 Credential=AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE/2019-02-25/cvm/tc3_request, "
        "SignedHeaders=content-type;host, "
        "Signature=72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168"
    )


def test_without_a_provider_messages_wait_for_the_operator(db: str) -> None:
    assert relay.sender() is None
    put()
    said = subprocess.run(
        [sys.executable, "-m", "mip_app.cli", "outbox"], capture_output=True, text=True, check=True
    )
    assert PHONE in said.stdout
    assert CODE in said.stdout
