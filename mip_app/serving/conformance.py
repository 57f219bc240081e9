"""The tables of the DICOM conformance statement (PS3.2), read from the code.

What is written by hand stands in the document itself, around the tables: each is between `<!-- table: name -->` and
`<!-- end -->`.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from pydicom.charset import python_encoding
from pydicom.datadict import dictionary_description, keyword_for_tag
from pydicom.uid import UID
from pynetdicom.sop_class import _STORAGE_CLASSES

from mip_app.auditing.messages import EVENTS
from mip_app.core.settings import Settings
from mip_app.core.texts import words
from mip_app.dicom.dicomdir import RECORD_TYPES
from mip_app.dicom.recoding import METHODS
from mip_app.dicomweb import accepting, query, store, syntaxes
from mip_app.dicomweb.locating import ROOT
from mip_app.dimse import acceptor, admitting, answering, association, leaving, messages, retrieving, services
from mip_app.ingest.failure import CANNOT_UNDERSTAND, FAILURE_REASONS
from mip_app.serving.permissions import routes
from mip_app.studies.query.asked import FURTHEST, Level
from mip_app.studies.query.attributes import OF_SERIES, OF_STUDY, Kind, at
from mip_app.studies.query.values import MOST_VALUES, MOST_WILDCARDS

DOCUMENT = Path(__file__).parents[2] / "docs" / "conformance.md"
_PLACE = re.compile(r"(<!-- table: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
# Settings that a peer notices.
_NEGOTIATED = (
    "dimse_ae_title", "dimse_port", "dimse_tls_port", "dimse_associations", "dimse_associations_node",
    "dimse_idle_seconds", "stall_seconds", "dimse_find_most", "dimse_send_seconds",
)  # fmt: skip
_TAKEN_IN = (
    "max_file_bytes", "max_archive_bytes", "max_archive_entries", "max_archive_ratio", "max_archive_ratio_from",
    "max_directory_bytes", "max_elements", "max_nesting", "max_fragments", "max_inflated_bytes",
)  # fmt: skip
_MATCHING = {
    Kind.UID: "single value, list of UIDs",
    Kind.TEXT: "single value, wildcard, list (by backslash)",
    Kind.CODE: "single value, wildcard, list",
    Kind.VALUES: "single value, wildcard, list; any of the values stored",
    Kind.DATE: "single value, range",
    Kind.TIME: "single value, range",
    Kind.NUMBER: "single value",
    Kind.NAME: "single value, wildcard, by component group; without heed to case; `fuzzymatching`",
    Kind.PERSON: "single value, wildcard; without heed to case",
}


def written(document: str) -> str:
    """The document with its tables as the code has them now."""

    def made(found: re.Match[str]) -> str:
        return found[1] + "".join(f"{line}\n" for line in TABLES[found[2]]()) + found[3]

    return _PLACE.sub(made, document)


def named(document: str) -> list[str]:
    """The tables that it has a place for."""
    return [found[2] for found in _PLACE.finditer(document)]


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    names = list(head)
    for cells in (names, ["---"] * len(names), *rows):
        yield f"| {' | '.join(str(cell) for cell in cells)} |"


def _syntaxes(uids: Iterable[str]) -> str:
    return ", ".join(UID(str(uid)).name for uid in uids)


def _scp() -> Iterator[str]:
    rows = [
        (UID(one).name, f"`{one}`", "SCP", _syntaxes(service.syntaxes))
        for service in services.SERVICES
        for one in service.sop_classes
    ]
    rows.append(("Storage, see below", "", "SCP; SCU too, by role selection, for C-GET", "all, see below"))
    return _table(("SOP class", "UID", "role", "transfer syntaxes"), rows)


def _storage() -> Iterator[str]:
    known = sorted({str(uid) for uid in _STORAGE_CLASSES.values()}, key=lambda uid: UID(uid).name)
    return _table(("SOP class", "UID"), ((UID(uid).name, f"`{uid}`") for uid in known))


def _transfer_syntaxes() -> Iterator[str]:
    yield from _table(
        ("transfer syntax", "UID", "taken in", "frames as stored", "made on the way out (DICOMweb)"),
        (
            (
                UID(uid).name,
                f"`{uid}`",
                "yes",
                syntaxes.MEDIA_TYPES.get(uid) or ("native" if uid in syntaxes.UNCOMPRESSED else "octets"),
                _made(uid),
            )
            for uid in sorted(services.STORED)
        ),
    )


def _made(uid: str) -> str:
    if uid not in syntaxes.TARGETS:
        return ""
    return f"lossy ({METHODS[UID(uid)]})" if uid in syntaxes.LOSSY else "lossless"


def _reasons() -> Iterator[str]:
    by_number: dict[int, list[str]] = {CANNOT_UNDERSTAND: ["everything else: what cannot be read"]}
    for code, number in FAILURE_REASONS.items():
        said = words(code, {"number": "…"}, "en").rstrip(".")
        if said not in by_number.setdefault(number, []):
            by_number[number].append(said)
    rows = ((f"0x{number:04X}", "; ".join(by_number[number])) for number in sorted(by_number))
    return _table(("number", "what is said (Error Comment)"), rows)


def _query_statuses() -> Iterator[str]:
    said = (
        (answering.PENDING, "C-FIND, C-MOVE, C-GET", "pending"),
        (answering.PENDING_UNSUPPORTED, "C-FIND", "pending; a key is not supported or did not narrow"),
        (answering.SUCCESS, "C-FIND, C-MOVE, C-GET", "success"),
        (answering.CANCELLED, "C-FIND, C-MOVE, C-GET", "ended by C-CANCEL"),
        (answering.SOME_FAILED, "C-MOVE, C-GET", "some sub-operations failed or gave a warning"),
        (answering.NOT_AUTHORISED, "C-FIND, C-MOVE, C-GET", "the node may not; written down"),
        (answering.NO_RESOURCES, "C-FIND, C-MOVE, C-GET", "more matches than allowed; a store is away"),
        (answering.CANNOT_PERFORM, "C-MOVE, C-GET", "every sub-operation failed"),
        (answering.NO_DESTINATION, "C-MOVE", "unknown destination"),
        (answering.WRONG_IDENTIFIER, "C-FIND, C-MOVE, C-GET", "the identifier does not match the SOP class"),
        (answering.CANNOT_PROCESS, "C-FIND, C-MOVE, C-GET", "a value cannot be meant; unexpected failure"),
    )
    return _table(("status", "of", "meaning"), ((f"0x{number:04X}", *more) for number, *more in said))


def _rejections() -> Iterator[str]:
    said = (
        (admitting.NOT_OURS, "called AE title is not ours"),
        (admitting.UNKNOWN, "calling AE title is not registered for the address, or disabled"),
        (admitting.FULL, "as many associations as allowed, of the node or in all"),
        (admitting.FAILED, "who calls cannot be looked up now; more than 128 contexts proposed"),
    )
    return _table(("result", "source", "reason", "when"), ((*numbers, when) for numbers, when in said))


def _settings(names: Iterable[str]) -> Iterator[str]:
    fields = Settings.model_fields
    rows = ((f"`MIP_{name.upper()}`", fields[name].default, fields[name].description) for name in names)
    return _table(("setting", "default", "meaning"), rows)


def _limits() -> Iterator[str]:
    entity = acceptor.application()
    rows = (
        ("implementation class UID", f"`{entity.implementation_class_uid}`"),
        ("implementation version name", f"`{entity.implementation_version_name}`"),
        ("largest PDU we announce", f"{association.PDU_MOST:,} bytes"),
        ("presentation contexts that we take", association.CONTEXTS_MOST),
        ("presentation contexts that we propose", leaving.MOST_CONTEXTS),
        ("negotiation (ARTIM; TLS handshake)", f"{acceptor.NEGOTIATED_WITHIN:g} s"),
        ("one command set", f"{messages.COMMAND_MOST:,} bytes"),
        ("one identifier", f"{messages.IDENTIFIER_MOST:,} bytes"),
        ("instances of one C-MOVE or C-GET", f"{retrieving.MOST:,}"),
        ("one instance that has to be decoded to be sent", f"{leaving.MOST_DECODED:,} bytes"),
    )
    return _table(("what", "limit"), rows)


def _resources() -> Iterator[str]:
    found = sorted(
        (path, method) for method, path in routes() if path.startswith(f"{ROOT}/") or path == "/wado"
    )
    return _table(("method", "path"), ((method, f"`{path}`") for path, method in found))


def _answers() -> Iterator[str]:
    rows = ((f"`{kind}`" if kind else "none said", f"`{found}`") for kind, found in store.ANSWERS.items())
    return _table(("Accept", "answered as"), rows)


def _frames() -> Iterator[str]:
    rows = [
        (
            "`application/octet-stream`",
            "Explicit VR Little Endian; as stored where `*` or the stored transfer syntax is named",
        )
    ]
    for kind in dict.fromkeys(syntaxes.MEDIA_TYPES.values()):
        stored = [uid for uid, media_type in syntaxes.MEDIA_TYPES.items() if media_type == kind]
        made = [uid for uid in stored if uid in syntaxes.TARGETS]
        default = syntaxes.ENCODED.get(kind, "")
        rows.append(
            (
                f"`{kind}`",
                f"as stored: {_syntaxes(stored)}"
                + (f"; made: {_syntaxes(made)}" if made else "")
                + (f"; without a transfer syntax: {UID(default).name}" if default else ""),
            )
        )
    return _table(("media type of a part", "transfer syntaxes"), rows)


def _pictures() -> Iterator[str]:
    yield from (f"- `{kind}`" for kind in accepting.PICTURES)


def _keys() -> Iterator[str]:
    rows = (
        (level.value, keyword(one.tag), _written_tag(one.tag), one.vr, _MATCHING[one.kind])
        for level in Level
        for one in at(level)
    )
    return _table(("level", "attribute", "tag", "VR", "matching"), rows)


def _from_headers() -> Iterator[str]:
    for name, tags in (("Studies", OF_STUDY), ("Series, besides those of studies", OF_SERIES - OF_STUDY)):
        yield f"{name}: {', '.join(f'{_name(tag)} {_written_tag(tag)}' for tag in sorted(tags))}."
        yield ""


def _name(tag: str) -> str:
    return keyword_for_tag(int(tag, 16)) or dictionary_description(int(tag, 16))


def keyword(tag: str) -> str:
    return query.keyword(tag).replace(".", " > ")


def _written_tag(tag: str) -> str:
    return " > ".join(f"({part[:4]},{part[4:]})" for part in tag.split("."))


def _query_limits() -> Iterator[str]:
    rows = (
        ("results without `limit`, of several studies", query.DEFAULT),
        ("most results, of several studies", query.MOST),
        ("most results below one study, and without `limit`", f"{query.MOST_OF_STUDY:,}"),
        ("furthest `offset`", f"{FURTHEST:,}"),
        ("values of one list", MOST_VALUES),
        ("asterisks in one value", MOST_WILDCARDS),
    )
    return _table(("what", "limit"), rows)


def _character_sets() -> Iterator[str]:
    yield ", ".join(f"`{name}`" for name in sorted(python_encoding) if name) + "."


def _records() -> Iterator[str]:
    yield (
        ", ".join(
            f"`{name}`" for name in sorted({"PATIENT", "STUDY", "SERIES", "IMAGE", *RECORD_TYPES.values()})
        )
        + "."
    )


def _audited() -> Iterator[str]:
    rows = (
        (
            f"`{act}`",
            f"{event.id.value} {event.id.meaning}",
            event.type.meaning if event.type else "",
            event.action,
        )
        for act, event in sorted(EVENTS.items())
    )
    return _table(("act", "event", "type", "action"), rows)


TABLES: dict[str, Callable[[], Iterator[str]]] = {
    "scp": _scp,
    "storage": _storage,
    "transfer-syntaxes": _transfer_syntaxes,
    "reasons": _reasons,
    "query-statuses": _query_statuses,
    "rejections": _rejections,
    "negotiated": lambda: _settings(_NEGOTIATED),
    "limits": _limits,
    "resources": _resources,
    "answers": _answers,
    "frames": _frames,
    "pictures": _pictures,
    "keys": _keys,
    "from-headers": _from_headers,
    "query-limits": _query_limits,
    "taken-in": lambda: _settings(_TAKEN_IN),
    "character-sets": _character_sets,
    "records": _records,
    "audited": _audited,
}
