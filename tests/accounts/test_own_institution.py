"""What an institution says of itself: its own administrator changes it, and figures count nothing of anybody else."""

from io import BytesIO

import pytest
from PIL import Image
from sqlmodel import Session, select

from mip_app.accounts import opening, own_institution, pictures, recognising, sessions
from mip_app.accounts.models import Institution, Role
from mip_app.audit.models import AuditEntry
from mip_app.core.actor import Actor, Side
from mip_app.core.blobs import blobs
from mip_app.core.database import engine, read, write
from mip_app.core.errors import Invalid, MipError, NotPermitted, TooLarge
from mip_app.studies.figures import figures
from tests.images import Made, study

SAID = {"name": "江南市第一人民医院", "name_en": "Jiangnan First", "level": "三级甲等", "phone": "0579-0"}


def picture(size: tuple[int, int] = (900, 300), kind: str = "PNG", **more) -> bytes:
    made = BytesIO()
    Image.new("RGB", size, "teal").save(made, kind, **more)
    return made.getvalue()


def admin_of(institution: int, account: str = "admin", role: Role = Role.INSTITUTION_ADMIN) -> Actor:
    user = write(
        opening.open_account,
        opening.CONSOLE,
        account,
        "高远",
        "correct horse battery",
        role,
        institution_id=institution,
        mobile="13800007788",
    )
    return write(sessions.open_session, recognising.nobody(), user, side=Side.ADMIN).actor


def test_it_is_changed_by_its_own_administrator_and_nobody_elses(jn1: int, qh2: int) -> None:
    admin = admin_of(jn1)
    write(own_institution.change, admin, SAID)
    said = read(own_institution.said, admin)
    assert (said["name_en"], said["level"], said["code"]) == ("Jiangnan First", "三级甲等", "JN1")
    assert said["administrators"] == ["高远 · 138****7788"]
    with Session(engine()) as session:
        assert session.get_one(Institution, qh2).name_en == ""
    auditor = admin_of(jn1, "auditor", Role.AUDITOR)
    for service, more in (
        (own_institution.change, (SAID,)),
        (own_institution.said, ()),
        (own_institution.set_logo, ("x",)),
        (own_institution.people_figures, ()),
    ):
        with pytest.raises(NotPermitted):
            write(service, auditor, *more)


def test_figures_count_the_own_institution(jn1: int, qh2: int, ingest) -> None:
    admin, other = admin_of(jn1), admin_of(qh2, "other")
    write(opening.open_department, opening.CONSOLE, jn1, "放射科")
    ingest_here = [Made(data) for data in study("A^B", slices=2)]
    from mip_app.ingest.service import take_in

    gateway = Actor(None, "gateway", jn1, frozenset({"study.upload"}))
    assert len(list(take_in(gateway, ingest_here))) == 2
    began = read(own_institution.month_began, admin)
    assert read(own_institution.people_figures, admin) == {
        "people": 1,
        "departments": 1,
        "sign_ins_today": 1,
    }
    assert read(figures, admin, began.replace(year=2000)).studies == 1
    assert read(figures, admin, began).bytes > 1000
    assert read(figures, other, began.replace(year=2000)).bytes == 0
    for nobody in (Actor(1, "op", None, admin.permissions), gateway):
        with pytest.raises(MipError):
            read(figures, nobody, began)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_logo_is_drawn_anew(kind: str) -> None:
    made = Image.open(BytesIO(pictures.logo_anew(picture(kind=kind))))
    assert (made.format, made.size) == ("PNG", (512, 171))


def test_nothing_but_the_picture_is_kept() -> None:
    exif = Image.Exif()
    exif[0x010E] = "secret words"
    assert b"secret words" in picture(kind="JPEG", exif=exif)
    assert b"secret words" not in pictures.logo_anew(picture(kind="JPEG", exif=exif))


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"GIF89a" + b"\0" * 40,
        picture()[:200],
        b"\x89PNG\r\n\x1a\n" + b"junk" * 20,
    ],
)
def test_what_is_no_picture_is_refused(sent: bytes) -> None:
    with pytest.raises(Invalid, match=r"picture\.unreadable"):
        pictures.logo_anew(sent)


def test_a_small_file_that_would_fill_the_memory_is_refused() -> None:
    bomb = BytesIO()
    Image.new("1", (30_000, 30_000)).save(bomb, "PNG")
    assert len(bomb.getvalue()) < pictures.BYTES
    with pytest.raises(Invalid, match=r"picture\.unreadable"):
        pictures.logo_anew(bomb.getvalue())
    with pytest.raises(TooLarge):
        pictures.logo_anew(b"x" * (pictures.BYTES + 1))


def test_a_logo_is_noted_in_the_audit(jn1: int) -> None:
    admin = admin_of(jn1)
    key = "institutions/1/logo.png"
    blobs().put(key, b"png")
    write(own_institution.set_logo, admin, key)
    assert read(own_institution.logo, admin) == key
    with Session(engine()) as session:
        last = session.exec(select(AuditEntry)).all()[-1]
    assert (str(last.act), last.detail) == ("institution.changed", {"changed": ["logo"]})
