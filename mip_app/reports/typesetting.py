"""The printed report: everything on the sheet as data in, a PDF out. Knows no database and no person's rights.

The words of a report reach Typst as JSON values, never as markup: whatever somebody typed is printed as typed.
"""

import hashlib
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import typst
from PIL import Image

from mip_app.core.errors import Invalid, MipError
from mip_app.reports.fonts import UNDRAWABLE, families, loaded_fonts, missing_glyphs

State = Literal["draft", "preliminary", "final", "amended"]

# Reports are printed in Chinese, whatever language the screen speaks; an institution may bring its own words.
LABELS: Mapping[str, str] = {
    "patient_name": "姓名",
    "patient_sex": "性别",
    "patient_age": "年龄",
    "patient_id": "患者号",
    "accession_number": "检查号",
    "patient_class": "来源",
    "modality": "类型",
    "body_part": "部位",
    "study_description": "检查项目",
    "study_time": "检查时间",
    "findings": "检查所见",
    "impression": "诊断意见",
    "amendment_note": "修订说明",
    "figure": "图 {n}",
    "state_draft": "草稿",
    "state_preliminary": "初步报告",
    "state_final": "",
    "state_amended": "修订报告",
    "watermark": "草 稿",
    "watermark_note": "未经签发，不得用于临床诊疗",
    "watermark_preliminary": "未 审 核",
    "watermark_preliminary_note": "初步报告，以审核后的报告为准",
    "statement": "本报告仅供临床医师参考，签名后生效。",
    "phone": "电话",
    "version": "第 {n} 版",
    "printed": "打印",
    "page": "第 {page} 页 / 共 {pages} 页",
    "unknown": "不详",
    "missing": "—",
    "undrawable": "□ 为字库未收的字，按首次出现的顺序为：{codes}",
}


@dataclass(frozen=True)
class Signature:
    """One signing person. `image`: PNG or JPEG of the handwriting; without `name` a line is left to sign by hand."""

    role: str
    name: str = ""
    title: str = ""
    time: str = ""
    image: bytes | None = None


@dataclass(frozen=True)
class KeyImage:
    jpeg: bytes
    caption: str = ""


@dataclass(frozen=True)
class Sheet:
    """Everything a report prints. Times are finished texts in the institution's zone; empty means not known."""

    institution: str
    patient_name: str
    patient_sex: str
    patient_age: str
    patient_id: str
    accession_number: str
    study_time: str
    findings: str
    impression: str
    state: State
    version: int
    print_time: str
    printed_by: str
    signatures: tuple[Signature, ...] = ()
    institution_short: str = ""
    institution_address: str = ""
    institution_phone: str = ""
    department: str = ""
    logo: bytes | None = None
    title: str = "影像诊断报告单"
    patient_class: str = ""
    modality: str = ""
    body_part: str = ""
    study_description: str = ""
    amendment_note: str = ""
    key_images: tuple[KeyImage, ...] = ()


def typeset(sheet: Sheet, fonts: Path, labels: Mapping[str, str] = LABELS) -> bytes:
    """The sheet as PDF, A4, fonts embedded as subsets; the same sheet gives the same bytes.

    `fonts` is a folder with TTF files, see `fonts_folder`. Raises Invalid `print.image_unreadable` when a
    signature, logo or key image is no picture, MipError `print.failed` when Typst gives up.
    """
    data = {**_plain(sheet), "labels": dict(labels), "fonts": families(fonts)}
    data = _drawable(data, fonts)
    for part in ("findings", "impression", "amendment_note"):
        data[part] = list(_lines(data[part]))
    with TemporaryDirectory(prefix="mip-print-") as root:
        pictures = _write_pictures(sheet, Path(root))
        inputs = {"sheet": json.dumps(data), "pictures": json.dumps(pictures)}
        return _compile(Path(root), fonts, inputs)


def _compile(root: Path, fonts: Path, inputs: dict[str, str]) -> bytes:
    """`root` is all that Typst may read, its package folders included: nothing is fetched, nothing included."""
    try:
        compiler = typst.Compiler(
            _template(),
            root=root,
            font_paths=loaded_fonts(fonts),
            ignore_system_fonts=True,
            sys_inputs=inputs,
            package_path=root,
            package_cache_path=root,
        )
        pdf = compiler.compile(format="pdf", timestamp=0)
    except typst.TypstError:
        # A diagnostic may quote the report, so it goes no further.
        raise MipError("print.failed") from None
    if not isinstance(pdf, bytes):
        raise MipError("print.failed")
    return pdf


@cache
def _template() -> bytes:
    return Path(__file__).with_name("sheet.typ").read_bytes()


def _plain(sheet: Sheet) -> dict[str, Any]:
    """The sheet as JSON values, without the pictures and without characters that are no text."""
    plain = {f.name: getattr(sheet, f.name) for f in fields(sheet) if f.name not in {"logo", "key_images"}}
    plain["signatures"] = [
        {"role": s.role, "name": s.name, "title": s.title, "time": s.time} for s in sheet.signatures
    ]
    plain["captions"] = [image.caption for image in sheet.key_images]
    cleaned: dict[str, Any] = _map_texts(plain, _clean)
    return cleaned


def _map_texts(value: Any, change: Any) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _map_texts(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [_map_texts(item, change) for item in value]
    return value


# Controls, lone surrogates, and the marks that turn the reading direction: they could make a line read otherwise
# on paper than on the screen.
_NO_TEXT = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_VALUE_AND_UNIT = re.compile(r"(?<=\d) (?=(?:[A-Za-zμµ]{1,4}|[%°℃×])(?![A-Za-z]))")
_LONG_RUN = re.compile(r"[!-\u2fff]{60,}")  # Chinese breaks anywhere, other scripts only at spaces


def _clean(text: str) -> str:
    text = _NO_TEXT.sub("", "\n".join(text.replace("\t", "    ").splitlines()))
    text = _VALUE_AND_UNIT.sub("\u00a0", text)
    return _LONG_RUN.sub(lambda run: "\u200b".join(re.findall(".{1,30}", run[0])), text)


def _drawable(data: dict[str, Any], fonts: Path) -> dict[str, Any]:
    """What no font draws becomes □; its code is printed in a note, so that a rare name can still be told."""
    everything = json.dumps(data, ensure_ascii=False)
    missing = missing_glyphs(everything, fonts)
    codes = list(dict.fromkeys(f"U+{ord(c):04X}" for c in everything if c in missing))
    if missing:
        boxes = str.maketrans(dict.fromkeys(missing, UNDRAWABLE))
        data = _map_texts(data, lambda text: text.translate(boxes))
    shown = "、".join(codes[:40]) + ("…" if len(codes) > 40 else "")
    return {**data, "undrawable": data["labels"]["undrawable"].replace("{codes}", shown) if codes else ""}


_BLANK_PAGE = re.compile(r"(?:\n[^\S\n]*){40,}")  # a key held down must not print a thousand empty pages
_ITEM = re.compile(r"\s{0,4}((?:\d{1,2}[.、．)）](?!\d)|[(（]\d{1,2}[)）]|[①-⑳]))\s*(\S.*)")


def _lines(text: str) -> Iterator[dict[str, str]]:
    """One entry a typed line: `marker` when it is numbered, empty `text` when it is blank."""
    for line in _BLANK_PAGE.sub("\n" * 40, text.rstrip()).split("\n") if text.strip() else []:
        item = _ITEM.fullmatch(line)
        marker, rest = (item[1], item[2]) if item else ("", line if line.strip() else "")
        yield {"marker": marker, "text": rest}


def _write_pictures(sheet: Sheet, root: Path) -> dict[str, Any]:
    """Pictures as files Typst can read, named by content, so that no cache mixes two patients' pictures."""

    def write(picture: bytes | None) -> str | None:
        if picture is None:
            return None
        try:
            with Image.open(io.BytesIO(picture), formats=("PNG", "JPEG")) as image:
                image.load()
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            raise Invalid("print.image_unreadable") from None
        name = hashlib.sha256(picture).hexdigest()
        (root / name).write_bytes(picture)
        return name

    return {
        "logo": write(sheet.logo),
        "signatures": [write(signature.image) for signature in sheet.signatures],
        "key_images": [write(image.jpeg) for image in sheet.key_images],
    }
