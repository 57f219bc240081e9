"""Both languages say everything, with the same places to fill."""

import re

from mip_app.core.texts import catalogue


def test_english_says_all_that_chinese_does_and_fills_the_same_places() -> None:
    zh, en = catalogue("zh"), catalogue("en")
    assert zh.keys() == en.keys()

    def places(text: str) -> set[str]:
        return set(re.findall(r"\{(\w+)\}", text))

    assert {key for key in zh if places(zh[key]) != places(en[key])} == set()
