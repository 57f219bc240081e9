import pydicom
import pytest

from mip_app.dicom.charset import encodings, read_text
from mip_app.dicom.names import display_name, search_keys, search_term
from mip_app.dicom.part10 import read_header

NAMES = {
    "big5_as_declared_none": "王^小東",
    "gb18030": "Ouyang^Nana=欧阳^娜娜",
    "gb18030_four_byte": "Zhang^?=㐱^𠮷䶮",
    "gbk_declared_latin1": "Ouyang^Nana=欧阳^娜娜",
    "gbk_undeclared": "Ouyang^Nana=欧阳^娜娜",
    "iso2022_ir58": "Zhang^San=张^三",
    "japanese_utf8": "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "korean_utf8": "Hong^Gildong=洪^吉洞=홍^길동",
    "same_person_pinyin": "OUYANG NANA",
    "spaces_and_nulls": "李^四",
    "utf8": "Ouyang^Nana=欧阳^娜娜",
    "utf8_declared_gb18030": "Ouyang^Nana=欧阳^娜娜",
    "utf8_middle_dot": "Test=买买提·艾力",
    "utf8_no_latin": "王^小明",
    "utf8_truncated_64": "阿" * 21,
}


@pytest.mark.parametrize("name", NAMES)
def test_names_are_read_as_they_were_meant(shared, name):
    header = read_header(shared / "names" / f"{name}.dcm")
    assert header.patient_name == NAMES[name]
    groups = header.json["00100010"]["Value"][0]
    assert "=".join(groups.values()) == NAMES[name]


def test_what_is_declared_rightly_is_read_as_pydicom_reads_it(shared):
    for path in sorted((shared / "charsets").glob("chr[!S]*.dcm")):
        name = pydicom.dcmread(path, stop_before_pixels=True).PatientName
        expected = "=".join(c.strip() for c in str(name).split("=")).rstrip("=")
        assert read_header(path).patient_name == expected, path.name


_ACCENTS = ["Jérôme^Müller", "Määttä", "SÄÄSKI"]
_CHINESE = ["CT胸部", "朱^镕基", "王", "欧阳^娜娜"]


@pytest.mark.parametrize("declared", [b"", b"ISO_IR 100", b"ISO_IR 192", b"what ever"])
@pytest.mark.parametrize(
    ("written", "text"),
    [(w, t) for t in _ACCENTS for w in ("latin-1", "utf-8")]
    + [(w, t) for t in _CHINESE for w in ("gb18030", "utf-8")],
)
def test_a_wrong_declaration_is_seen_through(text, written, declared):
    assert read_text(text.encode(written), encodings(declared)) == text


@pytest.mark.parametrize(
    ("recorded", "shown"),
    [
        ("ZHANG^SAN=张^三", "张三"),
        ("王^小明", "王小明"),
        ("SMITH^Jonathan^A", "SMITH, Jonathan A"),
        ("OUYANG NANA", "OUYANG NANA"),
        ("阿依古丽·买买提江", "阿依古丽·买买提江"),
        ("Ouyang^Nana=?·??^????", "Ouyang, Nana"),
        ("^^^", ""),
        ("", ""),
    ],
)
def test_names_on_the_screen(recorded, shown):
    assert display_name(recorded) == shown


@pytest.mark.parametrize(
    ("recorded", "typed"),
    [
        ("ZHANG^SAN=张^三", ["张三", "张", "三", "zhangsan", "zhang san", "ZS", "san", "Sanzhang"]),
        ("单^田芳", ["shantianfang", "stf", "dantianfang", "tianfang"]),
        ("仇^英", ["qiuying", "chouying", "qy"]),
        ("曾^巩", ["zenggong", "cg"]),
        ("吕^布", ["lvbu", "lubu"]),
        ("买买提·艾力", ["买买提艾力", "艾力", "maimaiti", "mmtal"]),
        ("MÜLLER^Jérôme", ["muller", "jerome", "Jérôme Müller", "mj"]),
        ("𠮷^䶮", ["𠮷"]),
    ],
)
def test_people_are_found_by_what_one_types(recorded, typed):
    keys = search_keys(recorded)
    for text in typed:
        assert any(key.startswith(search_term(text)) for key in keys), (text, keys)


def test_a_text_in_the_name_makes_few_keys():
    assert len(search_keys("单仇曾解查任朴盖" * 50)) < 100
