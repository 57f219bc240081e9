"""The routes of people, asked by those who may not and with what they do not expect."""

import io

import httpx
import pytest
from PIL import Image

from mip_app.accounts import lists
from tests.site import PASSWORD, Site

ROUTES = [
    ("POST", "/people/import"),
    ("GET", "/people/import/template.csv"),
    ("GET", "/people/import/x/refused.csv"),
    ("POST", "/people/import/x/passwords.csv"),
    ("GET", "/people/list.csv"),
    ("POST", "/people/list.xlsx"),
    ("POST", "/people/of/linwangshu/avatar"),
    ("POST", "/people/of/linwangshu/signature"),
]


def administrator(site: Site, account: str = "guanli") -> httpx.Client:
    client = httpx.Client(base_url=site.url, headers={"Origin": site.url}, timeout=20)
    form = {"account": account, "password": PASSWORD, "side": "admin"}
    assert client.post("/auth/login", data=form).status_code == 303
    return client


def png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 40), "black").save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_only_the_administrator_comes_in(site: Site, method: str, path: str) -> None:
    assert httpx.request(method, site.url + path).status_code == 401
    for account in ("chensu", "hewei", "guanli"):  # the last one on the side where patients are
        assert site.sign_in(account).request(method, path).status_code == 403
    for account in ("lianmeng", "yunying"):
        assert administrator(site, account).request(method, path).status_code == 403
    assert administrator(site).request(method, path).status_code not in (401, 403)


def test_a_hospital_changes_no_picture_of_anothers_people_and_sees_none(site: Site) -> None:
    ours, theirs = administrator(site), site.sign_in("qinghe")
    assert ours.post("/people/of/chensu/avatar", content=png()).status_code == 200
    assert site.sign_in("hewei").get("/people/of/chensu/avatar").content[:4] == b"\x89PNG"
    assert ours.post("/people/of/qinghe/avatar", content=png()).status_code == 404
    assert theirs.get("/people/of/chensu/avatar").status_code == 404
    assert theirs.get("/people/of/nobody/avatar").json() == theirs.get("/people/of/chensu/avatar").json()
    assert httpx.get(f"{site.url}/people/of/chensu/avatar").status_code == 401


def test_too_much_is_refused_before_it_is_read_and_while_it_is_read(site: Site) -> None:
    client = administrator(site)

    def endless():
        for _ in range(40):
            yield b"x" * 100_000

    for path in ("/people/import", "/people/of/chensu/avatar", "/people/me/avatar"):
        assert client.post(path, content=b"x" * (3 << 20)).status_code == 413
        assert client.post(path, content=endless()).status_code == 413


def test_a_hostile_picture_or_list_is_answered_in_kind(site: Site) -> None:
    client = administrator(site)
    for path in ("/people/of/chensu/avatar", "/people/import"):
        answer = client.post(path, content=b"<svg onload=alert(1)>")
        assert answer.status_code == 400
        assert "svg" not in answer.text
    for path in ("/people/of/chensu/passwords", "/people/list.exe", "/people/of/../../avatar"):
        assert client.get(path).status_code in (404, 422)


def test_an_export_is_read_back_and_holds_no_whole_phone_number(site: Site) -> None:
    client = administrator(site)
    for form in ("csv", "xlsx"):
        answer = client.get(f"/people/list.{form}?role=reporter")
        assert answer.headers["content-disposition"] == f'attachment; filename="doctors.{form}"'
        rows = [cells for _, cells in lists.read(answer.content)]
        assert rows[0][:6] == ["账号", "姓名", "职称", "科室", "角色", "手机"]
        assert ["linwangshu", "林望舒", "主治医师", "", "报告医师"] in [row[:5] for row in rows]
        assert not any("qinghe" in row for row in rows)
    english = client.get(
        "/people/list.csv", headers={"Cookie": f"mip_lang=en; mip_session={client.cookies['mip_session']}"}
    )
    assert "Reporting doctor" in english.text
