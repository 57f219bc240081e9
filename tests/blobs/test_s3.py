"""A store in the network that is away, refuses, changes bytes or is full: said soon, and over when it is over."""

import io
import os
import socket
import time

import pytest

from mip_app.core.blobs import BlobsAway
from mip_app.core.blobs.s3 import together
from tests.blobs.conftest import BUCKET, bucket, new_s3
from tests.blobs.test_promises import KEY, LARGE, kept, waiting


def test_a_wrong_key_is_refused(swift, tmp_path):
    store = new_s3(swift, tmp_path, key="wrong")
    for ask in (lambda: store.get(KEY), lambda: kept(store, b"x"), lambda: list(store.keys())):
        with pytest.raises(BlobsAway) as refused:
            ask()
        assert refused.value.status == 503


def test_a_store_that_is_away_says_so_soon_and_is_found_again(up, tmp_path):
    store = new_s3(up, tmp_path)
    data = kept(store, os.urandom(1000))
    up.stop()
    began = time.monotonic()
    for ask in (lambda: store.get(KEY), lambda: store.ranges(KEY, [(0, 9)]), lambda: kept(store, b"x", "x")):
        with pytest.raises(BlobsAway):
            ask()
    assert time.monotonic() - began < 5
    up.start()
    assert store.get(KEY) == data
    assert dict(store.keys()) == {KEY: 1000}


def test_a_store_that_never_answers_holds_nobody_up(swift, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = new_s3(swift, tmp_path, endpoint=f"http://127.0.0.1:{silent.getsockname()[1]}")
        began = time.monotonic()
        with pytest.raises(BlobsAway):
            store.get(KEY)
        assert time.monotonic() - began < 5
        began = time.monotonic()
        for _ in range(20):  # others do not wait for it again
            with pytest.raises(BlobsAway):
                store.get(KEY)
        assert time.monotonic() - began < 1


@pytest.mark.parametrize("size", [1000, LARGE])
def test_a_file_that_changed_in_the_waiting_room_is_not_kept(swift, tmp_path, size):
    store = new_s3(swift, tmp_path)
    received = store.receive(io.BytesIO(os.urandom(size)), size)
    with received.path.open("r+b") as file:
        file.write(b"\0\0\0\0\0\0\0\0")
    with pytest.raises(BlobsAway):
        store.keep(received, KEY)
    assert list(store.keys()) == []
    assert received.path.exists()  # the caller's still
    uploads = store._client.list_multipart_uploads(Bucket=BUCKET, Prefix=store._prefix)
    assert not uploads.get("Uploads")


def test_bytes_that_changed_on_the_way_are_refused_by_the_server(swift, tmp_path):
    store = new_s3(swift, tmp_path)

    def change(params, **_):
        params["body"] = b"y" * 1000

    store._client.meta.events.register("before-call.s3.PutObject", change)
    with pytest.raises(BlobsAway):
        kept(store, b"x" * 1000)
    assert list(store.keys()) == []
    assert len(waiting(store)) == 1  # what `keep` did not take is the caller's to discard


def test_the_server_dies_in_the_middle_of_a_large_upload(up, tmp_path):
    store = new_s3(up, tmp_path)

    def die(params, **_):
        if params["url_path"].endswith(KEY) and params["query_string"].get("partNumber") == 2:
            up.stop()

    store._client.meta.events.register("before-call.s3.UploadPart", die)
    with pytest.raises(BlobsAway):
        kept(store, os.urandom(LARGE))
    up.start()
    assert list(store.keys()) == []


def test_neighbours_are_one_request():
    fragments = [(100, 50), (158, 70), (236, 10)]  # eight bytes of an item's head between them (PS3.5 A.4)
    assert list(together(fragments)) == [fragments]
    assert list(together([(0, 10), (900_000, 10), (5, 10)])) == [[(0, 10)], [(900_000, 10)], [(5, 10)]]
    assert len(list(together([(at << 20, 1 << 20) for at in range(16)]))) == 4


def test_a_frame_is_one_request(swift, tmp_path):
    store = new_s3(swift, tmp_path)
    data = kept(store, os.urandom(10_000))
    asked: list[str] = []
    store._client.meta.events.register(
        "before-call.s3.GetObject", lambda model, **_: asked.append(model.name)
    )
    assert list(store.ranges(KEY, [(100, 50), (158, 70)])) == [data[100:150], data[158:228]]
    assert asked == ["GetObject"]


def test_others_see_plain_objects_with_their_bytes(swift, tmp_path):
    store = new_s3(swift, tmp_path)
    data = kept(store, os.urandom(LARGE))
    [found] = bucket(swift).objects.filter(Prefix=store._prefix)
    assert found.key == store._prefix + KEY
    assert found.get()["Body"].read() == data
