"""Tar, gzip and DICOMDIR: what is in them comes in, and what means harm does not."""

import gzip
import io
import os
import tarfile

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MediaStorageDirectoryStorage

from mip_app.dicom.walk import Limits, files_in
from tests.ingest.made import image, series


def read(found) -> bytes:
    with found.open() as stream:
        return stream.read()


def tar(path, members, mode="w:gz"):
    with tarfile.open(path, mode) as archive:
        for name, data in members:
            about = tarfile.TarInfo(name)
            if isinstance(data, bytes):
                about.size = len(data)
                archive.addfile(about, io.BytesIO(data))
            else:
                about.type, about.linkname = data
                archive.addfile(about)
    return path


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_a_tar_gives_its_files_whole_in_any_order_of_reading(tmp_path, mode):
    images = [(f"片子/{n}.dcm", image(n)) for n in range(1, 20)]
    found = list(files_in([tar(tmp_path / "a.bin", images, mode)]))
    assert [one.name for one in found] == [f"a.bin/{name}" for name, _ in images]
    assert [read(one) for one in reversed(found)] == [data for _, data in reversed(images)]


def test_a_single_file_packed_with_gzip_is_that_file(tmp_path):
    (tmp_path / "1.dcm.gz").write_bytes(gzip.compress(image(1)))
    [found] = files_in([tmp_path])
    assert (read(found), found.error) == (image(1), "")


def test_links_devices_and_ways_out_are_not_followed(tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"of this machine")
    made = tar(
        tmp_path / "a.tgz",
        [
            ("../../out.dcm", image(1)),
            ("/etc/abs.dcm", image(2)),
            ("link", (tarfile.SYMTYPE, str(secret))),
            ("hard", (tarfile.LNKTYPE, str(secret))),
            ("device", (tarfile.CHRTYPE, "")),
            ("pipe", (tarfile.FIFOTYPE, "")),
        ],
    )
    found = list(files_in([made]))
    assert [one.name for one in found] == ["a.tgz/out.dcm", "a.tgz/etc/abs.dcm"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tgz", "secret"]


LIMITS = Limits(entries=5, file_bytes=300_000, total_bytes=2_000_000, ratio=50, ratio_from=100_000)


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (lambda p: tar(p, [("z.dcm", bytes(280_000))]), "ingest.zip_bomb"),
        (lambda p: p.write_bytes(gzip.compress(bytes(50_000_000))), "ingest.zip_bomb"),
        (lambda p: p.write_bytes(gzip.compress(os.urandom(400_000))), "ingest.too_large"),
        (lambda p: tar(p, [(f"{n}", b"x") for n in range(9)]), "ingest.too_many"),
        (lambda p: tar(p, [(f"{n}", os.urandom(290_000)) for n in range(5)] * 2), "ingest.too_many"),
        (lambda p: tar(p, [("big", os.urandom(310_000))]), "ingest.too_large"),
        (lambda p: tar(p, [(bytes(2_000_000).decode(), b"")], "w"), "ingest.bad_tar"),
        (lambda p: p.write_bytes(gzip.compress(image(1))[:-40]), "ingest.bad_tar"),
    ],
    ids=["bomb", "gzip bomb", "large", "many", "much", "large entry", "endless name", "cut"],
)
def test_archives_that_ask_for_too_much_are_refused_in_words(tmp_path, made, code):
    path = tmp_path / "a.tgz"
    made(path)
    assert [one.error for one in files_in([path], LIMITS)][-1] == code


def test_an_entry_that_lies_about_its_size_is_refused(tmp_path):
    whole = tar(tmp_path / "a.tar", [("1.dcm", image(1)), ("2.dcm", image(2))], "w").read_bytes()
    (tmp_path / "a.tar").write_bytes(whole[: whole.index(b"2.dcm") + 600])
    found = list(files_in([tmp_path / "a.tar"]))
    assert [(one.name, one.error) for one in found] == [("a.tar/1.dcm", ""), ("a.tar", "ingest.bad_tar")]


def directory(folder, *ids):
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    made.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    made.DirectoryRecordSequence = []
    for parts in ids:
        record = Dataset()
        record.DirectoryRecordType, record.ReferencedFileID = "IMAGE", parts
        made.DirectoryRecordSequence.append(record)
    made.save_as(folder / "DICOMDIR", enforce_file_format=True)


def test_what_a_dicomdir_names_comes_first_and_the_rest_once(tmp_path):
    series(tmp_path / "cd" / "images", 3)
    directory(
        tmp_path / "cd", ["IMAGES", "0003.DCM"], ["IMAGES", "0001.DCM"], ["IMAGES", "0001.DCM"], ["GONE"]
    )
    names = ["cd/images/0003.dcm", "cd/images/0001.dcm", "cd/DICOMDIR", "cd/images/0002.dcm"]
    for given in (tmp_path / "cd", tmp_path / "cd" / "DICOMDIR"):
        assert [one.name for one in files_in([given])] == names


@pytest.mark.parametrize(
    "parts", [["..", "secret.dcm"], ["/etc", "passwd"], ["IMAGES", "..\\..\\secret.dcm"], ["LINK"]]
)
def test_a_dicomdir_that_leads_out_of_its_folder_is_refused_and_the_folder_still_read(tmp_path, parts):
    (tmp_path / "secret.dcm").write_bytes(image(9))
    series(tmp_path / "cd", 2)
    (tmp_path / "cd" / "LINK").symlink_to(tmp_path / "secret.dcm")
    directory(tmp_path / "cd", ["0001.dcm"], parts)
    found = [(one.name, one.error) for one in files_in([tmp_path / "cd"])]
    assert found == [("cd/DICOMDIR", "ingest.outside_folder"), ("cd/0001.dcm", ""), ("cd/0002.dcm", "")]
