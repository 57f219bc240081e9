import io
import os
import struct
import tracemalloc
import zipfile

import pytest

from mip_app.dicom.part10 import Refused
from mip_app.dicom.walk import Limits, entries_in, files_in, shown


def _walked(*paths, limits=None):
    return {found.name: found.error or _read(found) for found in files_in(paths, limits)}


def _read(found):
    try:
        return found.open().read()
    except Refused as refused:
        return refused.code


def _zip(path, **entries):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def test_files_folders_and_archives_in_one_walk(tmp_path):
    folder = tmp_path / "检查"
    (folder / "a").mkdir(parents=True)
    (folder / "a/1").write_bytes(b"one")
    (folder / ".DS_Store").write_bytes(b"junk")
    (folder / "link").symlink_to("/etc/passwd")
    _zip(folder / "not-called-zip", **{"胸部/2.dcm": b"two", "__MACOSX/x": b"junk"})
    (tmp_path / "3").write_bytes(b"three")
    assert _walked(folder, tmp_path / "3", tmp_path / "gone") == {
        "检查/a/1": b"one",
        "检查/not-called-zip/胸部/2.dcm": b"two",
        "3": b"three",
        "gone": "ingest.not_found",
    }


def test_attacks_in_archives_are_met_with_words(tmp_path, shared):
    assert set(_walked(shared / "bad/slip.zip")) == {"slip.zip/outside.dcm", "slip.zip/abs.dcm"}
    assert _walked(shared / "bad/bomb.zip") == {"bomb.zip/zeros.dcm": "ingest.zip_bomb"}
    inner = _zip(tmp_path / "inner", x=b"1").read_bytes()
    assert _walked(_zip(tmp_path / "outer.zip", **{"in.bin": inner})) == {
        "outer.zip/in.bin": "ingest.nested_zip"
    }
    (tmp_path / "cut.zip").write_bytes(inner[:30])
    assert _walked(tmp_path / "cut.zip") == {"cut.zip": "ingest.bad_zip"}


def test_limits_are_kept(tmp_path):
    many = _zip(tmp_path / "many.zip", **{f"{n}": b"x" * 100 for n in range(5)})
    assert _walked(many, limits=Limits(entries=3)) == {"many.zip": "ingest.too_many"}
    assert _walked(many, limits=Limits(directory_bytes=50)) == {"many.zip": "ingest.too_many"}
    assert list(_walked(many, limits=Limits(total_bytes=250)).values())[-1] == "ingest.zip_bomb"
    assert set(_walked(many, limits=Limits(file_bytes=99)).values()) == {"ingest.too_large"}


def test_an_entry_that_lies_about_its_size_ends_in_a_word(tmp_path):
    path = _zip(tmp_path / "lies.zip", x=bytes(200_000))
    data = path.read_bytes()
    for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.index(mark) + place
        data = data[:at] + struct.pack("<L", 1000) + data[at + 4 :]
    path.write_bytes(data)
    assert set(_walked(path).values()) == {"ingest.bad_zip"}


def test_encrypted_entries_are_named(tmp_path):
    path = _zip(tmp_path / "locked.zip", x=b"secret")
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    assert _walked(path) == {"locked.zip/x": "ingest.encrypted"}


def test_chinese_names_of_old_zip_programs(tmp_path):
    path = _zip(tmp_path / "old.zip", **{"XXXX/1.dcm": b"x"})
    path.write_bytes(path.read_bytes().replace(b"XXXX", "胸部".encode("gbk")))
    assert set(_walked(path)) == {"old.zip/胸部/1.dcm"}


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("../../etc/passwd", "etc/passwd"),
        ("C:\\a\\..\\b", "a/b"),
        ("/x\u202egnp.exe\n", "xgnp.exe"),
        ("", ""),
    ],
)
def test_names_are_only_labels(name, label):
    assert shown(name) == label


def test_memory_stays_flat(tmp_path):
    noise = os.urandom(1024 * 1024)
    with zipfile.ZipFile(tmp_path / "big.zip", "w") as archive, archive.open("noise", "w") as entry:
        for _ in range(64):
            entry.write(noise)
    tracemalloc.start()
    [found] = files_in([tmp_path / "big.zip"])
    size = 0
    with found.open() as stream:
        while chunk := stream.read(1024 * 1024):
            size += len(chunk)
    assert size == found.size == 64 * 1024 * 1024
    assert tracemalloc.get_traced_memory()[1] < 8_000_000
    tracemalloc.stop()


def test_an_archive_may_be_a_stream():
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("a", b"1")
    assert [f.open().read() for f in entries_in(made, "upload.zip")] == [b"1"]
