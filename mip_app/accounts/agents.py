"""What browser on what system: enough of a user agent's words for a person to recognise a device. A pure rule."""

import re

_SYSTEMS = (
    ("HarmonyOS", r"HarmonyOS|OpenHarmony"),
    ("iPad", r"iPad"),
    ("iPhone", r"iPhone"),
    ("Android", r"Android"),
    ("Windows", r"Windows NT|Windows"),
    ("macOS", r"Mac OS X|Macintosh"),
    ("ChromeOS", r"CrOS"),
    ("Linux", r"Linux|X11"),
)
# Most browsers also claim to be Chrome or Safari: those come last.
_BROWSERS = (
    ("企业微信", r"wxwork"),
    ("微信", r"MicroMessenger"),
    ("DingTalk", r"DingTalk"),
    ("Edge", r"Edg(e|A|iOS)?/"),
    ("Opera", r"OPR/|Opera"),
    ("Samsung Internet", r"SamsungBrowser"),
    ("Huawei Browser", r"HuaweiBrowser"),
    ("MIUI Browser", r"MiuiBrowser"),
    ("QQ Browser", r"QQBrowser"),
    ("UC Browser", r"UCBrowser|UBrowser"),
    ("360", r"QIHU|360SE|360EE"),
    ("Firefox", r"Firefox|FxiOS"),
    ("Chrome", r"Chrome|CriOS"),
    ("Safari", r"Safari"),
)


def device_of(agent: str) -> str:
    """`Windows · Chrome`; '' for what is no browser that we know. Never a word of the agent's own."""
    found = (
        next((name for name, pattern in names if re.search(pattern, agent)), "")
        for names in (_SYSTEMS, _BROWSERS)
    )
    return " · ".join(word for word in found if word)
