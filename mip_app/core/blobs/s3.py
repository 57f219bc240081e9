"""Blobs as objects of an S3 bucket. Files arrive on this machine's disk, are hashed there, and are then uploaded.

Every request is short or fails: nobody waits for a store that does not answer longer than five seconds. What is
uploaded carries its checksum, so the server refuses what it did not get whole.
"""

import base64
import hashlib
import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)

from mip_app.core.blobs.contract import Stat, Store
from mip_app.core.blobs.waiting import FORGOTTEN, BlobsAway, NoRoom, Received, room
from mip_app.core.errors import MipError, NotVisible

log = logging.getLogger(__name__)
T = TypeVar("T")

PART = 8 << 20  # bytes of one part of a large upload; larger files have at most MOST_PARTS of them
MOST_PARTS = 10_000
TOGETHER = 4 << 20  # ranges close to each other are one request, up to so many bytes
GAP = 4096  # bytes between two ranges that are rather read and thrown away: item headers between fragments
CONNECT_SECONDS, ANSWER_SECONDS, REST_SECONDS, SAY_AGAIN_SECONDS = 2.0, 3.0, 2.0, 10.0
CONNECTIONS = 16

_GONE = ("NoSuchKey", "404", "InvalidRange")  # the last: a file that was cut
_FULL = ("InsufficientStorage", "QuotaExceeded", "XMinioStorageFull", "507")
_MD5 = re.compile(r"[0-9a-f]{32}(-\d+)?")


class Place(NamedTuple):
    bucket: str
    prefix: str  # "" or "…/"
    endpoint: str  # "": Amazon's
    region: str
    seconds: float = ANSWER_SECONDS  # how long it may be silent


class S3(Store):
    def __init__(self, place: Place, incoming: Path, access_key: str = "", secret_key: str = "") -> None:
        super().__init__(incoming)
        self._bucket, self._prefix = place.bucket, place.prefix
        # A store that answers nobody is left alone for a moment, or all threads wait for it.
        self._answered, self._resting_until = 0.0, 0.0
        self._said = ("", 0.0)
        self._client = boto3.session.Session().client(
            "s3",
            endpoint_url=place.endpoint or None,
            region_name=place.region,
            aws_access_key_id=access_key or None,  # without: what boto3 finds (role, profile)
            aws_secret_access_key=secret_key or None,
            config=Config(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=place.seconds,
                retries={"total_max_attempts": 1},
                max_pool_connections=CONNECTIONS,
                s3={"addressing_style": "path" if place.endpoint else "auto"},
                # Stores other than Amazon's do not know the checksums that newer clients add by themselves.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )

    def file(self, key: str) -> Path | None:
        return None

    def keep(self, received: Received, key: str) -> None:
        if received.size > PART:
            self._upload_in_parts(received, key)
        else:
            data = received.path.read_bytes()
            if hashlib.sha256(data).hexdigest() != received.sha256:
                raise self._away("the waiting room changed a file")
            self._put(key, data)
        received.discard()

    def put(self, key: str, data: bytes) -> None:
        self._put(key, data)

    def _put(self, key: str, data: bytes) -> None:
        md5 = hashlib.md5(data, usedforsecurity=False)
        answer = self._ask(
            "put_object",
            Key=self._prefix + key,
            Body=data,
            ContentMD5=base64.b64encode(md5.digest()).decode(),
        )
        self._confirm(key, answer.get("ETag", ""), md5.hexdigest(), len(data))

    def _upload_in_parts(self, received: Received, key: str) -> None:
        name = self._prefix + key
        upload = self._ask("create_multipart_upload", Key=name)["UploadId"]
        try:
            parts, digests = self._send_parts(received, name, upload)
            answer = self._ask(
                "complete_multipart_upload", Key=name, UploadId=upload, MultipartUpload={"Parts": parts}
            )
        except BaseException:
            with suppress(MipError):
                self._ask("abort_multipart_upload", Key=name, UploadId=upload)
            raise
        whole = hashlib.md5(b"".join(digests), usedforsecurity=False).hexdigest()
        self._confirm(key, answer.get("ETag", ""), f"{whole}-{len(parts)}", received.size)

    def _send_parts(
        self, received: Received, name: str, upload: str
    ) -> tuple[list[dict[str, object]], list[bytes]]:
        """One part in memory at a time."""
        size = max(PART, -(-received.size // MOST_PARTS))
        sha256 = hashlib.sha256()
        parts: list[dict[str, object]] = []
        digests: list[bytes] = []
        with received.path.open("rb", buffering=0) as source:
            while data := source.read(size):
                sha256.update(data)
                md5 = hashlib.md5(data, usedforsecurity=False).digest()
                answer = self._ask(
                    "upload_part",
                    Key=name,
                    UploadId=upload,
                    PartNumber=len(parts) + 1,
                    Body=data,
                    ContentMD5=base64.b64encode(md5).decode(),
                )
                parts.append({"PartNumber": len(parts) + 1, "ETag": answer["ETag"]})
                digests.append(md5)
        if sha256.hexdigest() != received.sha256:
            raise self._away("the waiting room changed a file")
        return parts, digests

    def _confirm(self, key: str, tag: str, expected: str, size: int) -> None:
        """What the server says it has is what was sent: by its checksum, else (encrypted there) by its size."""
        tag = tag.strip('"')
        if tag == expected:
            return
        found = self._ask("head_object", Key=self._prefix + key)
        encrypted = "ServerSideEncryption" in found or "SSECustomerAlgorithm" in found
        if found["ContentLength"] != size or (_MD5.fullmatch(tag) and not encrypted):
            raise self._away("the store has other bytes than were sent")

    def get(self, key: str) -> bytes | None:
        try:
            return self._read(key)
        except NotVisible:
            return None

    def ranges(self, key: str, parts: list[tuple[int, int]]) -> Iterator[bytes]:
        pieces = self._pieces(key, parts)
        return chain([next(pieces)], pieces) if parts else pieces

    def _pieces(self, key: str, parts: list[tuple[int, int]]) -> Iterator[bytes]:
        for group in together(parts):
            start, end = group[0][0], group[-1][0] + group[-1][1]
            data = self._read(key, start, end) if end > start else b""
            for offset, length in group:
                yield data if (offset, length) == (start, end - start) else data[offset - start :][:length]

    def _read(self, key: str, start: int | None = None, end: int = 0) -> bytes:
        """Read at once, so that the connection is free for the next; beyond the end there is nothing."""
        within: dict[str, Any] = {} if start is None else {"Range": f"bytes={start}-{end - 1}"}
        return self._ask("get_object", lambda found: found["Body"].read(), Key=self._prefix + key, **within)

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        path = self.place()
        try:
            with room():
                self._download(key, path)
            yield path
        finally:
            path.unlink(missing_ok=True)

    def _download(self, key: str, path: Path) -> None:
        def store(found: dict[str, Any]) -> None:
            with path.open("wb", buffering=0) as target:
                for chunk in found["Body"].iter_chunks(1 << 20):
                    target.write(chunk)

        self._ask("get_object", store, Key=self._prefix + key)

    def remove(self, key: str) -> None:
        self._ask("delete_object", Key=self._prefix + key)

    def keys(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        further: dict[str, Any] = {}
        while True:
            found = self._ask("list_objects_v2", Prefix=self._prefix + prefix, **further)
            for entry in found.get("Contents", ()):
                yield entry["Key"][len(self._prefix) :], entry["Size"]
            if not found.get("IsTruncated"):
                return
            further = {"ContinuationToken": found["NextContinuationToken"]}

    def stat(self, key: str) -> Stat | None:
        try:
            found = self._ask("head_object", Key=self._prefix + key)
        except NotVisible:
            return None
        return Stat(found["ContentLength"], found["LastModified"].timestamp())

    def tidy(self) -> None:
        """Large uploads that a killed process began are ended too."""
        super().tidy()
        before = time.time() - FORGOTTEN
        with suppress(BlobsAway):
            for upload in self._ask("list_multipart_uploads", Prefix=self._prefix).get("Uploads", ()):
                if upload["Initiated"].timestamp() < before:
                    self._ask("abort_multipart_upload", Key=upload["Key"], UploadId=upload["UploadId"])

    def _ask(self, what: str, read: Callable[[dict[str, Any]], T] | None = None, **parameters: object) -> Any:
        """One request. `read` takes its answer's body, within the same promises."""
        if time.monotonic() < self._resting_until:
            raise BlobsAway()
        began = time.monotonic()
        try:
            try:
                return self._once(what, read, parameters)
            except (ConnectionClosedError, EndpointConnectionError, _Torn):
                # A connection that waited for its next use was closed on the other side: a new one may work.
                if time.monotonic() - began > 0.5:
                    raise
                return self._once(what, read, parameters)
        except ClientError as error:
            raise self._refused(error) from None  # its words may name keys
        except (ReadTimeoutError, ConnectTimeoutError) as error:
            if self._answered < began:
                self._resting_until = time.monotonic() + REST_SECONDS
            raise self._away(type(error).__name__) from None
        except (BotoCoreError, _Torn) as error:
            raise self._away(type(error).__name__) from None

    def _once(
        self, what: str, read: Callable[[dict[str, Any]], T] | None, parameters: dict[str, object]
    ) -> Any:
        found = getattr(self._client, what)(Bucket=self._bucket, **parameters)
        self._answered = time.monotonic()
        if read is None:
            return found
        try:
            return read(found)
        except (ResponseStreamingError, IncompleteReadError) as error:
            raise _Torn() from error
        finally:
            found["Body"].close()

    def _refused(self, error: ClientError) -> MipError:
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = str(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", ""))
        if code in _GONE:
            return NotVisible()
        if code in _FULL or status == "507":
            return NoRoom()
        return self._away(f"{status} {code}")

    def _away(self, why: str) -> BlobsAway:
        last, at = self._said
        if why != last or time.monotonic() - at > SAY_AGAIN_SECONDS:
            self._said = (why, time.monotonic())
            log.warning("blobs are away: %s", why)
        return BlobsAway()


class _Torn(Exception):
    """A body that ended too early."""


def together(parts: list[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Neighbours in their order, so that each group is one request."""
    group: list[tuple[int, int]] = []
    for offset, length in parts:
        if group:
            end = group[-1][0] + group[-1][1]
            if not 0 <= offset - end <= GAP or offset + length - group[0][0] > TOGETHER:
                yield group
                group = []
        group.append((offset, length))
    if group:
        yield group
