"""WeChat: the website application of the open platform, and an official account for those inside WeChat.

https://developers.weixin.qq.com/doc/oplatform/developers/dev/auth/web.html
"""

from dataclasses import dataclass

from authlib.integrations.httpx_client import AsyncOAuth2Client

from mip_app.core.settings import settings
from mip_app.sign_in.provider import answer_of, asking, authorise_link, checked, names_itself, text_of

_names_itself = names_itself("appid", "secret")


@dataclass(frozen=True, slots=True)
class App:
    app_id: str
    secret: str
    path: str
    scope: str


def configured() -> bool:
    return bool(settings().wechat_app_id and settings().wechat_app_secret.get_secret_value())


def app(inside: bool) -> App:
    """Which one speaks: inside WeChat the official account, where there is one."""
    given = settings()
    if inside and given.wechat_official_app_id:
        secret = given.wechat_official_app_secret.get_secret_value()
        return App(given.wechat_official_app_id, secret, "/connect/oauth2/authorize", given.wechat_scope)
    secret = given.wechat_app_secret.get_secret_value()
    return App(given.wechat_app_id, secret, "/connect/qrconnect", "snsapi_login")


def link(redirect_uri: str, state: str, inside: bool) -> str:
    """Where the browser is sent to show the code, or to confirm inside WeChat."""
    speaker = app(inside)
    parameters = [
        ("appid", speaker.app_id),
        ("redirect_uri", redirect_uri),
        ("response_type", "code"),
        ("scope", speaker.scope),
        ("state", state),
    ]
    return authorise_link(settings().wechat_open_url, speaker.path, parameters, "#wechat_redirect")


async def subjects(code: str, inside: bool) -> list[str]:
    """What the person is called, the best name first. Raises ProviderAway, ProviderRefused.

    The unionid is the same for website and official account, an openid is one application's alone.
    """
    speaker, api = app(inside), settings().wechat_api_url
    async with (
        asking(),
        AsyncOAuth2Client(
            speaker.app_id,
            speaker.secret,
            token_endpoint_auth_method=_names_itself,
            token_placement="uri",
            timeout=settings().outside_seconds,
        ) as client,
    ):
        client.register_compliance_hook("access_token_response", checked)
        said = await client.fetch_token(
            f"{api}/sns/oauth2/access_token", method="GET", grant_type="authorization_code", code=code
        )
        openid = text_of(said, "openid")
        if not said.get("unionid") and "snsapi_userinfo" in str(said.get("scope", "")):
            asked = await client.get(f"{api}/sns/userinfo", params={"openid": openid, "lang": "zh_CN"})
            said = answer_of(asked)
    union = [f"union:{text_of(said, 'unionid')}"] if said.get("unionid") else []
    return [*union, f"{speaker.app_id}:{openid}"]
