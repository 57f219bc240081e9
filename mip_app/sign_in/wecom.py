"""WeCom: the company's own application, on the PC by scanning, from the workbench without a touch.

https://developer.work.weixin.qq.com/document/path/98152 (PC), /91022 (inside), /91023 (who it is)
"""

from typing import Any

from authlib.integrations.httpx_client import AsyncOAuth2Client

from mip_app.core.errors import NotSignedIn
from mip_app.core.settings import settings
from mip_app.sign_in.provider import (
    answer_of,
    asking,
    authorise_link,
    checked,
    names_itself,
    text_of,
    with_token,
)

_names_itself = names_itself("corpid", "corpsecret")


class NotMember(NotSignedIn):
    """Somebody whom the company's directory does not know."""

    code = "external.not_member"


def configured() -> bool:
    given = settings()
    return bool(given.wecom_corp_id and given.wecom_agent_id and given.wecom_secret.get_secret_value())


def link(redirect_uri: str, state: str, inside: bool) -> str:
    """Where the browser is sent: the page with the code, or inside WeCom straight back."""
    given = settings()
    if inside:
        parameters = [
            ("appid", given.wecom_corp_id),
            ("redirect_uri", redirect_uri),
            ("response_type", "code"),
            ("scope", "snsapi_base"),
            ("state", state),
            ("agentid", given.wecom_agent_id),
        ]
        return authorise_link(
            given.wechat_open_url, "/connect/oauth2/authorize", parameters, "#wechat_redirect"
        )
    parameters = [
        ("login_type", "CorpApp"),
        ("appid", given.wecom_corp_id),
        ("agentid", given.wecom_agent_id),
        ("redirect_uri", redirect_uri),
        ("state", state),
    ]
    return authorise_link(given.wecom_login_url, "/wwlogin/sso/login", parameters)


def subject_of(userid: str) -> str:
    """WeCom itself does not tell capitals apart."""
    return f"{settings().wecom_corp_id}:{userid.strip().lower()}"


async def subjects(code: str) -> list[str]:
    """What the member is called. Raises NotMember, ProviderAway, ProviderRefused."""
    given = settings()
    async with (
        asking(),
        AsyncOAuth2Client(
            given.wecom_corp_id,
            given.wecom_secret.get_secret_value(),
            token_endpoint_auth_method=_names_itself,
            token_placement="uri",
            timeout=given.outside_seconds,
        ) as client,
    ):
        client.register_compliance_hook("access_token_response", checked)

        async def fetch() -> dict[str, Any]:
            return await client.fetch_token(
                f"{given.wecom_api_url}/cgi-bin/gettoken", method="GET", grant_type="client_credentials"
            )

        async def ask(token: str) -> dict[str, Any]:
            client.token = {"access_token": token}
            return answer_of(
                await client.get(f"{given.wecom_api_url}/cgi-bin/auth/getuserinfo", params={"code": code})
            )

        said = await with_token(f"wecom:{given.wecom_corp_id}:{given.wecom_agent_id}", fetch, ask)
    if not said.get("userid"):
        raise NotMember()
    return [subject_of(text_of(said, "userid"))]
