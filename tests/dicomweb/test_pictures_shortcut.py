"""Thumbnails and pictures in front of the framework: those of the routes, for whom may see them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file
from sqlalchemy import delete
from sqlmodel import Session

from mip_app.accounts import opening
from mip_app.accounts.identity import Accounts
from mip_app.accounts.remembering import remembered
from mip_app.core import bus, database
from mip_app.core.actor import Actor
from mip_app.dicomweb import rendering_api
from mip_app.dicomweb.pictures_shortcut import PicturesShortcut
from mip_app.studies.models import Instance, Series
from tests.dicomweb.conftest import address
from tests.dicomweb.two_ways import House

pytestmark = pytest.mark.parametrize("db", ["sqlite"], indirect=True)


@pytest.fixture
def house(db: str, jn1: int) -> House:
    remembered.forget()
    key = database.write(opening.create_api_key, opening.CONSOLE, jn1, "viewer")
    return House(key, rendering_api.router, PicturesShortcut(Accounts().lately))


@pytest.fixture
def take(ingest: Callable[..., list]) -> Callable[[str], str]:
    """Take a file of pydicom's wheel in; gives the address of its instance."""

    def taken(name: str) -> str:
        path = Path(str(get_testdata_file(name, download=False)))
        assert [outcome.kind for outcome in ingest([path])] == ["stored"]
        return address(path)

    return taken


def test_pictures_are_those_of_the_route(house: House, take: Callable[[str], str]) -> None:
    slice_, cine, text = (take(name) for name in ("CT_small.dcm", "SC_rgb_rle_2frame.dcm", "test-SR.dcm"))
    for at in (slice_, cine, slice_.partition("/instances")[0]):
        for asked in ("/thumbnail", "/rendered", "/rendered?window=40,400&viewport=64,64&annotation=patient"):
            first, again = house.same(at + asked), house.same(at + asked)
            assert first.status_code == 200 and first.content == again.content
            assert house.same(at + asked, if_none_match=first.headers["etag"]).status_code == 304
        assert house.same(at + "/rendered", accept="image/png").content.startswith(b"\x89PNG")
        assert house.same(at + "/rendered?window=wide").status_code == 400
        assert house.same(at + "/rendered", accept="text/html").status_code == 406
    assert house.same(text + "/thumbnail").status_code == 204
    assert house.same(text + "/rendered").status_code == 406
    assert house.same(slice_[:-1] + "/thumbnail").status_code == 404
    assert house.left == []


def test_another_institution_is_told_as_of_what_is_not_there(
    house: House, take: Callable[[str], str], qh2: int
) -> None:
    at = take("CT_small.dcm")
    theirs = f"Bearer {database.write(opening.create_api_key, opening.CONSOLE, qh2, 'theirs')}"
    for what in ("thumbnail", "rendered"):
        assert house.get(f"{at}/{what}").status_code == 200  # what is kept is for those who may see it
        there = house.same(f"{at}/{what}", authorization=theirs)
        nowhere = house.same(f"/studies/1.2/series/1.3/instances/1.4/{what}", authorization=theirs)
        assert there.status_code == nowhere.status_code == 404 and there.content == nowhere.content


def test_what_is_removed_is_not_drawn_any_more(
    house: House, take: Callable[[str], str], actor: Callable[..., Actor]
) -> None:
    at = take("CT_small.dcm")
    assert house.get(f"{at}/thumbnail").status_code == 200

    def removed(session: Session, _: Actor) -> None:
        for table in (Instance, Series):
            session.execute(delete(table))
        bus.touch(session, "studies:1")

    database.write(removed, opening.CONSOLE)
    assert house.get(f"{at}/thumbnail").status_code == 404
