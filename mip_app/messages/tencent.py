"""Tencent Cloud SMS: SendSms of API version 2021-01-11, signed with TC3-HMAC-SHA256."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from mip_app.core.clock import utc_now
from mip_app.core.settings import Settings
from mip_app.messages.outbox import Waiting

ACTION, VERSION, SERVICE = "SendSms", "2021-01-11", "sms"
JSON = "application/json; charset=utf-8"
SECONDS = 10.0
# The same request may be taken later. Everything else stays refused however often it is asked.
PASSING = ("InternalError", "RequestLimitExceeded")


class NotSent(Exception):
    """`code` is the provider's word for it; `again`: trying later may help."""

    def __init__(self, code: str, again: bool) -> None:
        super().__init__(code)
        self.code, self.again = code[:100], again


class TencentSms:
    def __init__(self, settings: Settings) -> None:
        url = urlsplit(settings.sms_url)
        self.host = url.netloc
        self.endpoint = f"{'http' if url.scheme == 'tencent+http' else 'https'}://{url.netloc}/"
        self.settings = settings

    async def send(self, message: Waiting) -> None:
        """Raises NotSent. Sent means that Tencent took it."""
        template = self.settings.sms_templates.get(message.template)
        if template is None:
            raise NotSent("no template in MIP_SMS_TEMPLATES", again=False)
        body = {
            "PhoneNumberSet": [f"+86{message.phone}"],
            "SmsSdkAppId": self.settings.sms_app_id,
            "SignName": self.settings.sms_sign_name,
            "TemplateId": template,
            "TemplateParamSet": message.parameters,
            "SessionContext": message.id,
        }
        _check(await self._post(json.dumps(body, ensure_ascii=False).encode()))

    async def _post(self, body: bytes) -> Any:
        now = int(utc_now().timestamp())
        headers = {
            "Content-Type": JSON,
            "Host": self.host,
            "X-TC-Action": ACTION,
            "X-TC-Version": VERSION,
            "X-TC-Region": self.settings.sms_region,
            "X-TC-Timestamp": str(now),
        }
        signed = {
            name.lower(): value
            for name, value in headers.items()
            if name in ("Content-Type", "Host", "X-TC-Action")
        }
        headers["Authorization"] = authorization(
            self.settings.sms_secret_id,
            self.settings.sms_secret_key.get_secret_value(),
            SERVICE,
            signed,
            body,
            now,
        )
        try:
            async with httpx.AsyncClient(timeout=SECONDS, trust_env=False) as client:
                answer = await client.post(self.endpoint, content=body, headers=headers)
                answer.raise_for_status()
                return answer.json()
        except httpx.HTTPStatusError as error:
            raise NotSent(f"HTTP {error.response.status_code}", again=True) from None
        except (httpx.HTTPError, ValueError) as error:
            raise NotSent(type(error).__name__, again=True) from None


def _check(answer: Any) -> None:
    try:
        response = answer["Response"]
        error = response.get("Error") or response["SendStatusSet"][0]
        code = str(error["Code"])
    except (KeyError, IndexError, TypeError, AttributeError):
        raise NotSent("not an answer of SendSms", again=True) from None
    if code != "Ok":
        raise NotSent(code, again=code.startswith(PASSING))


def authorization(
    secret_id: str, secret_key: str, service: str, signed: Mapping[str, str], body: bytes, timestamp: int
) -> str:
    """The Authorization header of a POST to `/`. `signed`: the headers that count, in lower case."""
    names = ";".join(sorted(signed))
    # Tencent signs the values in lower case as well.
    headers = "".join(f"{name}:{signed[name].strip().lower()}\n" for name in sorted(signed))
    request = f"POST\n/\n\n{headers}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    date = datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d")
    scope = f"{date}/{service}/tc3_request"
    text = f"TC3-HMAC-SHA256\n{timestamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"TC3{secret_key}".encode()
    for part in (date, service, "tc3_request"):
        key = hmac.new(key, part.encode(), "sha256").digest()
    signature = hmac.new(key, text.encode(), "sha256").hexdigest()
    return f"TC3-HMAC-SHA256 Credential={secret_id}/{scope}, SignedHeaders={names}, Signature={signature}"
