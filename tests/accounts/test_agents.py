"""What a person is told of a device."""

import pytest

from mip_app.accounts.agents import device_of

APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/130.0.0.0 Safari/537.36", "Windows · Chrome"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/130.0 Safari/537.36 Edg/130.0", "Windows · Edge"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", "Linux · Firefox"),
        (f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) {APPLE} Safari/604.1", "iPhone · Safari"),
        ("Mozilla/5.0 (Linux; Android 14) Chrome/126 Mobile MicroMessenger/8.0.49", "Android · 微信"),
        (
            "Mozilla/5.0 (Linux; Android 12; HarmonyOS) HuaweiBrowser/14 Chrome/114",
            "HarmonyOS · Huawei Browser",
        ),
        ("curl/8.5.0", ""),
        ("<script>alert(1)</script>", ""),
    ],
)
def test_a_device_is_its_system_and_its_browser(agent: str, said: str) -> None:
    assert device_of(agent) == said
