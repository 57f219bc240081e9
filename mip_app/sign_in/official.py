"""The interface of a WeChat official account: its access token, and a code that carries a scene."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import httpx2

from mip_app.core.settings import settings
from mip_app.sign_in.provider import answer_of, asking, text_of, with_token


@dataclass(frozen=True, slots=True)
class Account:
    app_id: str
    secret: str


async def code_of_scene(account: Account, scene: str, seconds: int) -> str:
    """The text of a QR code; scanning it makes WeChat tell us `scene`. Raises ProviderAway, ProviderRefused."""
    api = settings().wechat_api_url
    wanted = {
        "expire_seconds": seconds,
        "action_name": "QR_STR_SCENE",
        "action_info": {"scene": {"scene_str": scene}},
    }
    async with asking(), httpx2.AsyncClient(base_url=api, timeout=settings().outside_seconds) as client:

        async def fetch() -> dict[str, Any]:
            # The stable kind: several processes may ask without making each other's token void.
            asked = {"grant_type": "client_credential", "appid": account.app_id, "secret": account.secret}
            return answer_of(await client.post("/cgi-bin/stable_token", json=asked))

        async def ask(token: str) -> dict[str, Any]:
            query = {"access_token": token}
            return answer_of(await client.post("/cgi-bin/qrcode/create", params=query, json=wanted))

        key = sha256(f"{account.app_id}:{account.secret}".encode()).hexdigest()
        return text_of(await with_token(f"official:{key}", fetch, ask), "url")
