"""Pictures of people: made anew, seen by those who may, and the handwriting on a report as it was when signed."""

import io

import pytest
from PIL import Image, ImageDraw, PngImagePlugin
from sqlmodel import Session

from mip_app.accounts import pictures, portraits, staffing
from mip_app.accounts.models import Role, User
from mip_app.accounts.pictures import Kind, NoPicture
from mip_app.accounts.standing import NotOurs
from mip_app.core import database
from mip_app.core.actor import Actor
from mip_app.core.errors import MipError, NotVisible
from tests.accounts.conftest import added, said


def picture(size: tuple[int, int] = (800, 600), form: str = "JPEG", ink: str = "black", **more) -> bytes:
    """A photo of a stroke of the pen on white paper."""
    image = Image.new("RGB", size, "#f4f2ee")
    ImageDraw.Draw(image).line([(200, 300), (500, 250), (520, 330)], fill=ink, width=12)
    out = io.BytesIO()
    image.save(out, form, **more)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def test_of_a_signature_the_ink_alone_is_kept() -> None:
    made = opened(pictures.made_anew(Kind.SIGNATURE, picture()))
    assert (made.format, made.mode) == ("PNG", "RGBA")
    assert made.width < 400 and made.height < 150  # trimmed to the stroke
    assert made.getpixel((0, made.height // 2))[3] == 0 or made.getchannel("A").getextrema() == (0, 255)


def test_nothing_of_the_file_itself_is_kept() -> None:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", "taken at home")
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    for data in (
        picture(form="PNG", pnginfo=notes),
        picture(exif=exif),
        picture() + b"<script>taken at home",
    ):
        for kind in Kind:
            made = pictures.made_anew(kind, data)
            assert b"taken at home" not in made
            assert opened(made).format == "PNG"
    assert opened(pictures.made_anew(Kind.AVATAR, picture())).size == (256, 256)


def bomb() -> bytes:
    out = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"GIF89a" + b"\0" * 100,
        picture()[:300],
        bomb(),
        b"\x89PNG\r\n\x1a\n" + b"\xff" * 200,
    ],
    ids=["nothing", "svg", "gif", "cut", "400 megapixels", "damaged"],
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    for kind in Kind:
        with pytest.raises(MipError) as refused:
            pictures.made_anew(kind, data)
        assert refused.value.status in (400, 413)


def test_an_empty_sheet_is_no_signature() -> None:
    with pytest.raises(NoPicture):
        pictures.made_anew(Kind.SIGNATURE, picture(ink="#f4f2ee"))


def test_a_picture_is_seen_in_the_same_hospital_and_a_signature_by_few(
    admin: Actor, other_admin: Actor, actor
) -> None:
    user = added(admin)
    for kind in Kind:
        key = portraits.stored(pictures.made_anew(kind, picture()))
        database.write(portraits.set_for, admin, "lin", kind, key)
    own = Actor(user, "林望舒", admin.institution, frozenset())
    colleague = actor(Role.CLINICIAN, "同事")
    sees = {
        (who.name, kind): _sees(who, kind)
        for who in (admin, own, colleague, other_admin)
        for kind in (Kind.AVATAR, Kind.SIGNATURE)
    }
    assert sees == {
        ("管理", Kind.AVATAR): True,
        ("管理", Kind.SIGNATURE): True,
        ("林望舒", Kind.AVATAR): True,
        ("林望舒", Kind.SIGNATURE): True,
        ("同事", Kind.AVATAR): True,
        ("同事", Kind.SIGNATURE): False,
        ("清河管理", Kind.AVATAR): False,
        ("清河管理", Kind.SIGNATURE): False,
    }
    database.write(staffing.add_existing, other_admin, "lin", said())
    with pytest.raises(NotOurs):
        database.write(portraits.set_for, other_admin, "lin", Kind.AVATAR, "")


def _sees(who: Actor, kind: Kind) -> bool:
    try:
        return bool(database.read(portraits.picture, who, "lin", kind))
    except NotVisible:
        return False


def test_everybody_changes_their_own(admin: Actor, actor) -> None:
    doctor = actor(Role.REPORTER, "林望舒")
    key = portraits.stored(pictures.made_anew(Kind.SIGNATURE, picture()))
    address = database.write(portraits.set_own, doctor, Kind.SIGNATURE, key)
    assert database.read(portraits.own_addresses, doctor)["signature"] == address
    database.write(portraits.set_own, doctor, Kind.SIGNATURE, "")
    with Session(database.engine()) as session:
        assert session.get_one(User, doctor.user_id).signature == ""
