"""What every store of blobs promises, kept by each of them."""

import io
import os
import time

import pytest

from mip_app.core.blobs import Store
from mip_app.core.errors import NotVisible, TooLarge

KEY = "1/ab/0123456789abcdef012345/" + "5" * 64 + ".dcm"
LARGE = 20_000_000  # three parts of a large upload


def kept(store: Store, data: bytes, key: str = KEY) -> bytes:
    store.keep(store.receive(io.BytesIO(data), len(data)), key)
    return data


def waiting(store: Store) -> list:
    return list(store.incoming.iterdir())


def test_what_is_kept_is_read_back_and_can_be_removed(store):
    data = kept(store, os.urandom(300_000))
    assert store.get(KEY) == data
    with store.local(KEY) as path:
        assert path.read_bytes() == data
    assert list(store.keys("1/")) == [(KEY, len(data))]
    assert store.stat(KEY).size == len(data) and abs(store.stat(KEY).kept_at - time.time()) < 60
    assert not waiting(store)
    store.remove(KEY)
    store.remove(KEY)
    assert store.get(KEY) is None and store.stat(KEY) is None and list(store.keys()) == []


def test_what_is_not_there_says_so_at_once(store):
    assert store.get(KEY) is None
    with pytest.raises(NotVisible):
        store.ranges(KEY, [(0, 1)])
    with pytest.raises(NotVisible), store.local(KEY):
        pass
    assert not waiting(store)


def test_ranges_come_in_their_order_wherever_they_lie(store):
    data = kept(store, os.urandom(500_000))
    parts = [(0, 100), (100, 100_000), (100_108, 50), (400_000, 100_000), (7, 3), (7, 0), (499_999, 1)]
    assert list(store.ranges(KEY, parts)) == [data[at : at + length] for at, length in parts]
    assert list(store.ranges(KEY, [])) == []


def test_a_large_file_is_the_same_and_is_whole(store):
    data = kept(store, os.urandom(LARGE))
    pieces = store.ranges(KEY, [(at, min(1 << 20, LARGE - at)) for at in range(0, LARGE, 1 << 20)])
    assert b"".join(pieces) == data
    assert dict(store.keys()) == {KEY: LARGE}
    assert not waiting(store)


def test_the_same_key_again_and_small_things_over_each_other(store):
    data = kept(store, b"the same bytes")
    kept(store, data)
    store.put("1/made/thumbnail.jpg", b"small")
    store.put("1/made/thumbnail.jpg", b"other")
    assert dict(store.keys()) == {KEY: len(data), "1/made/thumbnail.jpg": 5}
    assert dict(store.keys("1/made/th")) == {"1/made/thumbnail.jpg": 5}
    assert store.get("1/made/thumbnail.jpg") == b"other"
    kept(store, b"", "1/empty")
    assert store.get("1/empty") == b""


def test_too_much_leaves_nothing(store):
    with pytest.raises(TooLarge):
        store.receive(io.BytesIO(b"12345"), 4)
    arriving = store.arriving(10)
    arriving.write(b"1234")
    arriving.discard()
    assert not waiting(store) and not list(store.keys())


def test_more_keys_than_one_answer_holds(store):
    if store.file("x") is None:
        store._client.meta.events.register(
            "provide-client-params.s3.ListObjectsV2", lambda params, **_: params.update(MaxKeys=3)
        )
    for number in range(8):
        store.put(f"2/{number}", b"x" * number)
    assert sorted(store.keys("2/")) == [(f"2/{number}", number) for number in range(8)]


def test_forgotten_files_leave_the_waiting_room(store):
    old, new = store.incoming / "old", store.incoming / "new"
    old.write_bytes(b"x")
    new.write_bytes(b"x")
    os.utime(old, (time.time() - 90_000,) * 2)
    store.tidy()
    assert waiting(store) == [new]
