"""multipart/related request bodies (PS3.18 8.6.1.2, RFC 2046), read as they come; parts need no Content-Length."""

from collections.abc import Callable

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from mip_app.core.errors import Invalid, TooLarge
from mip_app.core.settings import settings
from mip_app.ingest.receiving import Receiving

DICOM = "application/dicom"
MAX_PREAMBLE = 64 * 1024


class UnsupportedMediaType(Invalid):
    code = "dicomweb.media_type"
    status = 415


class BadMultipart(Invalid):
    code = "dicomweb.bad_multipart"


def media_type(header: str) -> tuple[str, dict[str, str]]:
    """A Content-Type as type and parameters, quotes removed."""
    kind, options = parse_options_header(header)
    return kind.decode("latin-1").strip(), {
        k.decode("latin-1").lower(): v.decode("latin-1") for k, v in options.items()
    }


def reader_of(content_type: str, receiving: Receiving) -> "RelatedParts | SinglePart":
    """Raises UnsupportedMediaType, BadMultipart."""
    kind, options = media_type(content_type)
    if kind == DICOM:
        return SinglePart(receiving)
    root = options.get("type", DICOM)
    if kind != "multipart/related" or media_type(root)[0] != DICOM:
        raise UnsupportedMediaType()
    if not 1 <= len(options.get("boundary", "")) <= 70:
        raise BadMultipart()
    return RelatedParts(options["boundary"], receiving)


class SinglePart:
    """A body that is one DICOM file."""

    def __init__(self, receiving: Receiving) -> None:
        self.receiving, self.begun = receiving, False

    def feed(self, block: bytes) -> None:
        if not self.begun:
            self.receiving.begin("1")
            self.begun = True
        self.receiving.write(block)

    def finish(self) -> None:
        self.receiving.end()
        self.receiving.finish()


class RelatedParts:
    """Gives each part to `receiving`, named by its number."""

    def __init__(self, boundary: str, receiving: Receiving) -> None:
        self.receiving = receiving
        self.number = 0
        self._delimiter = b"--" + boundary.encode("latin-1")
        self._preamble: bytes | None = b""
        self._ended = False
        self._field = self._value = b""
        self._kind = ""
        events: dict[str, Callable[..., None]] = {
            "on_part_begin": self._begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._open,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_end": self._all,
        }
        self._parser = MultipartParser(boundary.encode("latin-1"), events)  # type: ignore[arg-type]

    def feed(self, block: bytes) -> None:
        """Raises BadMultipart, TooLarge (too many parts)."""
        if self._preamble is not None:
            block = self._after_preamble(self._preamble + block)
        try:
            self._parser.write(block)
        except FormParserError as error:
            raise BadMultipart() from error

    def finish(self) -> None:
        """Raises BadMultipart when the closing boundary never came: what it would have ended is not taken in."""
        self.receiving.abandon()
        self.receiving.finish()
        if not self._ended:
            raise BadMultipart()

    def _after_preamble(self, data: bytes) -> bytes:
        """What stands before the first boundary is passed over."""
        start = 0 if data.startswith(self._delimiter) else data.find(b"\n" + self._delimiter) + 1
        if start or data.startswith(self._delimiter):
            self._preamble = None
            return data[start:]
        if len(data) > MAX_PREAMBLE:
            raise BadMultipart()
        self._preamble = data
        return b""

    def _begin(self) -> None:
        self.number += 1
        self._kind = DICOM
        if self.number > settings().max_archive_entries:
            raise TooLarge("ingest.too_many")

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._field.lower() == b"content-type":
            self._kind = media_type(self._value.decode("latin-1"))[0]
        self._field = self._value = b""

    def _open(self) -> None:
        if self._kind == DICOM:
            self.receiving.begin(str(self.number))
        else:
            self.receiving.refuse(str(self.number), UnsupportedMediaType.code)

    def _data(self, data: bytes, start: int, end: int) -> None:
        self.receiving.write(memoryview(data)[start:end])

    def _end(self) -> None:
        self.receiving.end()

    def _all(self) -> None:
        self._ended = True
