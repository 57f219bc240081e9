"""What the address of the list says, and what it never does."""

from datetime import date

import pytest

from mip_app.studies.filters import Days, Filters, Sort, address, chosen, parse

TODAY = date(2026, 11, 24)


def query(text: str) -> dict[str, str]:
    return dict(part.split("=") for part in text.lstrip("?").split("&")) if text else {}


@pytest.mark.parametrize(
    "filters",
    [
        Filters(),
        Filters(days=Days.WEEK, statuses=("none", "draft"), modalities=("CT", "OTHER")),
        Filters(days=Days.RANGE, start=date(2026, 1, 2), end=date(2026, 3, 4), classes=("E",)),
        Filters(days=Days.RANGE, end=date(2026, 3, 4), contrasts=("both",)),
        Filters(statuses=("returned",), mine=True, sort=Sort.PRINTED, newest_first=False),
        Filters(newest_first=False),
    ],
)
def test_a_bookmark_brings_back_what_was_chosen(filters: Filters) -> None:
    assert parse(query(address(filters))) == filters


def test_the_keyword_is_never_in_the_address() -> None:
    assert address(Filters(keyword="张三")) == ""
    assert "张三" not in repr(Filters(keyword="张三"))


def test_what_is_unknown_in_an_address_is_ignored() -> None:
    asked = {
        "days": "bogus",
        "status": "none,evil",
        "modality": "XX",
        "class": "9",
        "sort": "evil",
        "from": "x",
    }
    assert parse(asked) == Filters(statuses=("none",))
    assert parse({"days": "range", "from": "x", "to": "2026-02-30"}) == Filters(days=Days.RANGE)


def test_a_range_given_backwards_is_turned() -> None:
    asked = parse({"days": "range", "from": "2026-03-04", "to": "2026-01-02"})
    assert (asked.start, asked.end) == (date(2026, 1, 2), date(2026, 3, 4))


def test_choosing_switches_lists_and_turns_the_order() -> None:
    ct = chosen(Filters(), "modality", "CT", TODAY)
    assert ct.modalities == ("CT",)
    assert chosen(ct, "modality", "CT", TODAY) == Filters()
    printed = chosen(Filters(), "sort", "printed", TODAY)
    assert (printed.sort, printed.newest_first) == (Sort.PRINTED, True)
    assert not chosen(printed, "sort", "printed", TODAY).newest_first


def test_a_work_view_hides_nothing_behind_a_date() -> None:
    view = chosen(Filters(days=Days.TODAY, modalities=("CT",)), "view", "unwritten", TODAY)
    assert view == Filters(statuses=("none", "draft"), modalities=("CT",))


@pytest.mark.parametrize(("group", "value"), [("evil", "x"), ("status", "evil"), ("days", ""), ("view", "1")])
def test_a_choice_that_does_not_exist_changes_nothing(group: str, value: str) -> None:
    assert chosen(Filters(days=Days.WEEK), group, value, TODAY) == Filters(days=Days.WEEK)
