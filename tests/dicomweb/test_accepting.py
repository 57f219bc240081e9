"""What clients really send in Accept, and what they get: OHIF, Cornerstone, dicomweb-client, browsers, curl."""

import pytest

from mip_app.dicomweb import accepting
from mip_app.dicomweb.accepting import Form, NotAcceptable, wishes
from mip_app.dicomweb.partial import cut

EXPLICIT, J2K, JLS, JPEG = (f"1.2.840.10008.1.2{end}" for end in (".1", ".4.90", ".4.80", ".4.50"))
ANY_OCTETS = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'


@pytest.mark.parametrize(
    ("accept", "stored", "form"),
    [
        (ANY_OCTETS, J2K, Form("application/octet-stream", J2K)),  # OHIF and Cornerstone
        ("multipart/related; type=application/octet-stream; transfer-syntax=*", J2K, Form("application/octet-stream", J2K)),
        ("*/*", J2K, Form("application/octet-stream", J2K)),
        ("multipart/related; type=application/octet-stream", J2K, Form("application/octet-stream", EXPLICIT)),
        ("application/octet-stream", J2K, Form("application/octet-stream", EXPLICIT, False)),
        ('multipart/related; type="image/jp2"', J2K, Form("image/jp2", J2K)),
        ("image/jpeg", JPEG, Form("image/jpeg", JPEG, False)),
        (f"image/jls; transfer-syntax={JLS}", EXPLICIT, Form("image/jls", JLS, False)),
        ('multipart/related; type="image/jls"', EXPLICIT, Form("image/jls", JLS)),
        (f"image/jpeg; transfer-syntax={JPEG}", EXPLICIT, Form("image/jpeg", JPEG, False)),
        # A client that lists all it can decode gets what is stored, and nobody's core works for it.
        (f'multipart/related; type="image/jls"; transfer-syntax={JLS}, {ANY_OCTETS}', J2K, Form("application/octet-stream", J2K)),
        (f"image/jls; transfer-syntax={JLS}, image/jp2;q=0.9", J2K, Form("image/jls", JLS, False)),
        ("image/webp;q=1, image/jp2;q=0.1", J2K, Form("image/jp2", J2K, False)),
    ],
)  # fmt: skip
def test_frames_leave_as_clients_ask(accept: str, stored: str, form: Form) -> None:
    assert accepting.frames(wishes(accept), stored, 1) == form


@pytest.mark.parametrize(
    "accept",
    ["text/html", "image/jpeg", "image/jp2;q=0", "multipart/related; type=application/dicom", ';;,"', "q=2"],
)
def test_what_cannot_be_is_refused(accept: str) -> None:
    with pytest.raises(NotAcceptable):
        accepting.frames(wishes(accept), EXPLICIT, 1)


def test_several_frames_need_several_parts() -> None:
    with pytest.raises(NotAcceptable):
        accepting.frames(wishes("application/octet-stream"), EXPLICIT, 2)
    assert accepting.frames(wishes(f"application/octet-stream, {ANY_OCTETS}"), EXPLICIT, 2).related


def test_whole_instances() -> None:
    dicom = "application/dicom"
    for accept in (
        f'multipart/related; type="{dicom}"',
        f'multipart/related; type="{dicom}"; transfer-syntax=*',
        "*/*",
    ):
        assert accepting.instances(wishes(accept), 3, {J2K}) == Form(dicom)
    assert accepting.instances(wishes(dicom), 1, {J2K}) == Form(dicom, related=False)
    assert accepting.instances(wishes(f"{dicom}; transfer-syntax={JLS}"), 1, {J2K}) == Form(dicom, JLS, False)
    assert accepting.instances(wishes("text/html, application/zip"), 9, {J2K}) == Form(
        "application/zip", related=False
    )
    # In which it is stored, asked for by name, though we could not make it.
    assert accepting.instances(wishes(f"{dicom}; transfer-syntax=1.2.3"), 1, {"1.2.3"}) == Form(
        dicom, related=False
    )
    for accept, count in ((dicom, 2), (f"{dicom}; transfer-syntax=1.2.3", 1), ("image/jpeg", 1)):
        with pytest.raises(NotAcceptable):
            accepting.instances(wishes(accept), count, {J2K})


def test_the_query_parameter_counts_in_the_headers_place() -> None:
    assert accepting.picture(wishes("text/html,*/*;q=0.8", "image/png")).kind == "image/png"
    assert accepting.picture(wishes("text/html,*/*;q=0.8")).kind == "image/jpeg"


def test_a_range_over_fragments_is_cut_at_their_edges() -> None:
    parts = [(100, 10), (200, 10), (300, 10)]
    assert cut(parts, 0, 30) == parts
    assert cut(parts, 5, 10) == [(105, 5), (200, 5)]
    assert cut(parts, 25, 5) == [(305, 5)]
    assert cut([(7, 3 << 20)], 1, 2 << 20) == [(8, 1 << 20), (8 + (1 << 20), 1 << 20)]
