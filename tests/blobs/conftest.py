import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest

from mip_app.core.blobs import Folder, Store, blobs
from mip_app.core.blobs.s3 import S3, Place
from mip_app.core.settings import settings
from tests.blobs.swift import KEY, USER, CannotStart, Swift

BUCKET = "mip"


@pytest.fixture(scope="session")
def swift(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swift]:
    """A running S3 server with one empty bucket; skips aloud where Swift cannot start."""
    made = Swift(tmp_path_factory.mktemp("swift"))
    try:
        made.prepare()
        made.start()
    except (CannotStart, FileNotFoundError) as error:
        pytest.skip(f"Swift cannot start here: {error}")
    bucket(made).create()
    yield made
    made.stop()
    shutil.rmtree(made.folder, ignore_errors=True)


def bucket(swift: Swift):
    """The bucket as another program sees it."""
    resource = boto3.resource(
        "s3",
        endpoint_url=swift.endpoint,
        region_name="us-east-1",
        aws_access_key_id=USER,
        aws_secret_access_key=KEY,
    )
    return resource.Bucket(BUCKET)


@pytest.fixture
def up(swift: Swift) -> Iterator[Swift]:
    """For tests that stop it: runs again afterwards."""
    yield swift
    if not swift.processes:
        swift.start()


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty store of each kind."""
    if request.param == "folder":
        return Folder(tmp_path / "blobs")
    return new_s3(request.getfixturevalue("swift"), tmp_path)


def new_s3(swift: Swift, folder: Path, key: str = KEY, endpoint: str = "") -> S3:
    patience = {} if endpoint else {"seconds": 20}  # with a machine that tests other things at the same time
    place = Place(BUCKET, f"{uuid.uuid4().hex}/", endpoint or swift.endpoint, "us-east-1", **patience)
    return S3(place, folder / "incoming", USER, key)


@pytest.fixture
def on_s3(swift: Swift, db: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """This installation keeps its blobs in S3, below a prefix of its own; call it for another, empty one."""

    def move() -> str:
        url = f"s3://{BUCKET}/{uuid.uuid4().hex}?endpoint={swift.endpoint}"
        monkeypatch.setenv("MIP_BLOBS_URL", url)
        monkeypatch.setenv("MIP_S3_ACCESS_KEY", USER)
        monkeypatch.setenv("MIP_S3_SECRET_KEY", KEY)
        monkeypatch.setenv("MIP_S3_SECONDS", "20")
        for cached in (settings, blobs):
            cached.cache_clear()
        return url

    move()
    return move
