"""A printed report says what was written, all of it and nothing else, and looks the same on every machine."""

import io
import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from tempfile import NamedTemporaryFile

import pytest
from PIL import Image

from mip_app.core.errors import Invalid, MipError
from mip_app.reports import fonts as font_files
from mip_app.reports.fonts import fonts_folder, missing_glyphs
from mip_app.reports.typesetting import KeyImage, Sheet, Signature, State, typeset

FINDINGS = "胸廓对称。右肺上叶见团块状软组织密度影，最大截面约 61.3 mm，平扫 CT 值约 42.1 HU。"
SHEET = Sheet(
    institution="示例市第一人民医院",
    institution_short="First Hospital",
    institution_address="人民路 100 号",
    institution_phone="0571-8888 8888",
    department="医学影像科",
    patient_name="张三丰",
    patient_sex="男",
    patient_age="58岁",
    patient_id="0012345678",
    accession_number="CT20261124031",
    study_time="2026-11-24 14:32",
    patient_class="急诊",
    modality="CT",
    body_part="胸部",
    study_description="胸部CT平扫+增强",
    findings=FINDINGS,
    impression="1. 右肺上叶占位，考虑肺癌。\n2. 淋巴结肿大，转移待排。",
    state="final",
    version=2,
    print_time="2026-11-24 15:31",
    printed_by="林望舒",
    signatures=(
        Signature("报告医师", "周知白", "主治医师", "2026-11-24 14:58"),
        Signature("审核医师", "林望舒", "副主任医师", "2026-11-24 15:20"),
    ),
)


@pytest.fixture(scope="module")
def fonts() -> Path:
    try:
        return fonts_folder()
    except MipError:
        pytest.skip(f"no fonts: the build puts {font_files.FONT_PACKAGE} into .build/fonts")


def poppler(tool: str, pdf: bytes, *options: str) -> str:
    if not shutil.which(tool):
        pytest.skip(f"{tool} is missing: install poppler-utils")
    with NamedTemporaryFile(suffix=".pdf") as file:
        file.write(pdf)
        file.flush()
        command = [tool, *options, file.name] + (["-"] if tool == "pdftotext" else [])
        return subprocess.run(command, capture_output=True, check=True).stdout.decode()


def pages_of(pdf: bytes) -> list[str]:
    """The words of each page without any spaces, as somebody would read or copy them."""
    pages = poppler("pdftotext", pdf, "-layout").split("\f")[:-1]
    return [re.sub(r"[\s\u200b]", "", page) for page in pages]


def picture(kind: str = "JPEG", size: tuple[int, int] = (120, 90)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, (90, 90, 90)).save(file, kind)
    return file.getvalue()


def test_every_word_of_the_report_is_on_the_sheet_and_can_be_copied(fonts: Path) -> None:
    (page,) = pages_of(typeset(SHEET, fonts))
    for words in (
        "示例市第一人民医院", "影像诊断报告单", "张三丰", "男", "58岁", "0012345678", "CT20261124031", "急诊",
        "胸部CT平扫+增强", "2026-11-2414:32", "最大截面约61.3mm，平扫CT值约42.1HU。", "1.右肺上叶占位，考虑肺癌。",
        "报告医师周知白", "2026-11-2414:58", "2026-11-2415:20", "本报告仅供临床医师参考", "第2版", "第1页/共1页",
        "人民路100号", "打印2026-11-2415:31",
    ):  # fmt: skip
        assert words in page


@pytest.mark.parametrize(
    "typed",
    [
        '#include "/etc/passwd" #read("sheet.typ") #import "@preview/cetz:0.3.4"',
        r"$x^2$ \frac{1}{2} \u{41} \ *bold* _it_ `raw` <label> @ref // a /* b */ ~ -- --- ...",
        "= 标题 - 项 + 项 / 词: [a] {b} (c) \"q\" 'q' </p><script>alert(1)</script> %s {0} {codes} {pages}",
    ],
)
def test_what_looks_like_markup_is_printed_as_typed(fonts: Path, typed: str) -> None:
    sheet = replace(
        SHEET, findings=typed, impression=typed, patient_name="#a$b", signatures=(Signature(typed, typed),)
    )
    text = "".join(pages_of(typeset(sheet, fonts)))
    assert text.count(re.sub(r"\s", "", typed)) >= 3
    assert "#a$b" in text


def test_a_hundred_kilobytes_of_anything_print_completely(fonts: Path) -> None:
    for piece in ("#$\\*_`<@[{(", "a", "长"):
        text = "".join(pages_of(typeset(replace(SHEET, findings=piece * 9000), fonts)))
        assert text.count(piece[0]) >= 9000


def test_line_breaks_and_blank_lines_stay(fonts: Path) -> None:
    pdf = typeset(replace(SHEET, findings="甲行\n乙行\n\n\n丙行\r\n　　丁行"), fonts)
    lines = poppler("pdftotext", pdf, "-layout").splitlines()
    place = {
        name: next(i for i, line in enumerate(lines) if name in line)
        for name in ("甲行", "乙行", "丙行", "丁行")
    }
    assert place["甲行"] < place["乙行"] < place["丙行"] < place["丁行"]

    def top(word: str) -> float:
        boxes = poppler("pdftotext", pdf, "-bbox")
        found = re.search(rf'yMin="([\d.]+)"[^>]*>[^<]*{word}', boxes)
        assert found
        return float(found[1])

    one_line = top("乙行") - top("甲行")
    assert top("丙行") - top("乙行") == pytest.approx(3 * one_line, rel=0.02)


def test_a_report_of_thirty_pages_says_on_each_whose_it_is_and_which_page(fonts: Path) -> None:
    pages = pages_of(typeset(replace(SHEET, findings="\n".join([FINDINGS * 3] * 330)), fonts))
    assert len(pages) >= 30
    for number, page in enumerate(pages, 1):
        assert f"第{number}页/共{len(pages)}页" in page
        assert all(words in page for words in ("张三丰", "男", "58岁", "0012345678", "示例市第一人民医院"))
    assert sum(page.count("检查所见") for page in pages) == 1
    assert "".join(pages).count("胸廓对称") == 990


def test_no_heading_and_no_signature_stands_alone(fonts: Path) -> None:
    for lines in range(16, 28):
        findings = "\n".join(f"第{n}行" for n in range(lines))
        pages = pages_of(typeset(replace(SHEET, findings=findings), fonts))
        assert "淋巴结肿大" in pages[-1] and "周知白" in pages[-1] and "2026-11-2415:20" in pages[-1]
        impression = next(page for page in pages if "诊断意见" in page)
        assert "右肺上叶占位" in impression


def test_only_a_draft_carries_the_watermark(fonts: Path) -> None:
    draft = typeset(replace(SHEET, state="draft", findings=FINDINGS * 60), fonts)
    texts = poppler("pdftotext", draft, "-raw").split("\f")[:-1]
    assert len(texts) > 1 and all("不得用于临床诊疗" in text.replace("\n", "") for text in texts)
    signed: tuple[tuple[State, str], ...] = (
        ("preliminary", "初步报告"),
        ("amended", "修订报告"),
        ("final", ""),
    )
    for state, tag in signed:
        (page,) = pages_of(typeset(replace(SHEET, state=state), fonts))
        assert "草稿" not in page and "不得用于" not in page and tag in page


def test_an_amended_report_says_what_was_amended(fonts: Path) -> None:
    (page,) = pages_of(typeset(replace(SHEET, state="amended", amendment_note="更正侧别：左改右。"), fonts))
    assert "修订说明更正侧别：左改右。" in page


def test_all_fonts_are_inside_the_file_and_only_the_characters_used(fonts: Path) -> None:
    pdf = typeset(SHEET, fonts)
    rows = poppler("pdffonts", pdf).splitlines()[2:]
    assert {re.split(r"[+\s]", row)[1] for row in rows} == {"NotoSansSC-Regular", "NotoSansSC-SemiBold"}
    assert all(" yes yes yes " in row for row in rows)
    assert len(pdf) < 200_000


def test_rare_names_are_printed_or_told_by_their_code(fonts: Path) -> None:
    name, signs = "龘㐂𬬻", "αβγ≥±²μ①Ⅳ℃áéñü"
    assert not missing_glyphs(name + signs, fonts)
    (page,) = pages_of(typeset(replace(SHEET, patient_name=name, findings=signs), fonts))
    assert name in page and signs in page and "字库" not in page
    (page,) = pages_of(typeset(replace(SHEET, patient_name="李\U000213b4"), fonts))
    assert "李□" in page and "U+213B4" in page


def test_names_of_the_kazakh_the_uyghur_and_the_yoshida(fonts: Path) -> None:
    if len(font_files.families(fonts)) < len(font_files.FAMILIES):
        pytest.skip(f"no fallback fonts: {', '.join(font_files.FALLBACK_PACKAGES)}")
    assert not missing_glyphs("𠮷 Łukasz Ğ ž Әлия Қайратұлы ғңөүһі پاتىمە ئۇيغۇر ڭ گ ە", fonts)


def test_key_images_and_handwriting_are_on_the_sheet(fonts: Path) -> None:
    signed = (Signature("报告医师", "周知白", "主治医师", "2026-11-24 14:58", picture("PNG", (300, 90))),)
    images = (KeyImage(picture(), "肺窗"), KeyImage(picture(size=(50, 90)), "纵隔窗"))
    pdf = typeset(replace(SHEET, signatures=signed, key_images=images), fonts)
    assert pdf.count(b"/Subtype /Image") + pdf.count(b"/Subtype/Image") >= 3
    (page,) = pages_of(pdf)
    assert "图1肺窗" in page and "图2纵隔窗" in page and "周知白" in page


def test_a_broken_picture_is_refused_with_a_reason(fonts: Path) -> None:
    with pytest.raises(Invalid) as refused:
        typeset(replace(SHEET, key_images=(KeyImage(b"<svg/>"),)), fonts)
    assert refused.value.code == "print.image_unreadable"


def test_the_same_sheet_gives_the_same_file_and_leaves_nothing_behind(
    fonts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert typeset(SHEET, fonts) == typeset(SHEET, fonts)
    assert os.listdir(tmp_path) == []


def test_odd_characters_do_not_stop_the_printer(fonts: Path) -> None:
    odd = "甲\x00乙\x1b[31m\ud800丙\u202e丁\u2028戊\ufeff\tz\u0301\U0001f600"
    pages = pages_of(
        typeset(replace(SHEET, findings=odd, impression="", patient_name="", study_time=""), fonts)
    )
    assert "甲乙[31m丙丁" in pages[0] and "戊" in pages[0] and "不详" in pages[0]


def test_without_fonts_the_message_names_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(font_files, "_REPOSITORY", tmp_path)
    with pytest.raises(MipError) as missing:
        fonts_folder()
    assert missing.value.code == "print.fonts_missing"
    assert missing.value.detail == {"package": font_files.FONT_PACKAGE}
