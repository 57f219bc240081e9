"""MR series of brain and lumbar spine."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from pydicom.uid import MRImageStorage

from mip_app.demo.anatomy import head, lumbar
from mip_app.demo.anatomy.canvas import Array, f32
from mip_app.demo.catalogue import StudySpec
from mip_app.demo.phantom import Picture, Pixels, Series, mark, uid
from mip_app.demo.recipes.imaging import AXIAL, SAGITTAL, blur, centres, ct_grain, located


def mr_pixels(signal: Array, seed: int, z: float, level: float = 15.0) -> Pixels:
    """Magnitude with noise (Rician) and the slow fall-off of a coil, then the mark."""
    rows, columns = signal.shape
    shade = 1.06 - 0.16 * np.hypot(centres(columns, 2.0)[None, :] - 0.1, centres(rows, 2.0)[:, None] + 0.1)
    real = 0.6 * signal + 0.4 * blur(signal)
    noise = ct_grain("sharp", signal.shape, z + 400, seed), ct_grain("sharp", signal.shape, z + 400, seed, 7)
    magnitude = np.hypot(real * shade + level * noise[0], level * noise[1])
    return mark(np.clip(np.rint(magnitude), 0, 4095).astype(np.uint16), 800)


def _mr(
    spec: StudySpec,
    kind: str,
    axes: list[str],
    pixel: float,
    thick: float,
    step: float,
    window: tuple[int, int],
) -> dict[str, Any]:
    echo, repeat = ("98", "4200") if kind == "T2" else ("9", "480")
    return {
        "ScanningSequence": "SE", "SequenceVariant": "SK", "ScanOptions": "", "MRAcquisitionType": "2D", "SequenceName": kind,
        "RepetitionTime": repeat, "EchoTime": echo, "EchoTrainLength": "16" if kind == "T2" else "3", "MagneticFieldStrength": "3",
        "FlipAngle": "90", "SliceThickness": f"{thick:g}", "SpacingBetweenSlices": f"{step:g}", "PatientPosition": "HFS",
        "PixelSpacing": [f"{pixel:.6f}"] * 2, "ImageOrientationPatient": axes, "FrameOfReferenceUID": uid(spec.key, "frame"),
        "PositionReferenceIndicator": "", "WindowWidth": str(window[0]), "WindowCenter": str(window[1]), "ProtocolName": kind,
    }  # fmt: skip


def brain_axial(body: head.Head, z: float, size: int = 320) -> Pixels:
    """Stored pixels of one T2-like axial slice, 230 mm."""
    grid = centres(size, 230.0)
    return mr_pixels(body.cut(grid[None, :], grid[:, None], f32([[z]]), head.T2, 1.0), body.case.seed, z)


def brain(case: head.Case) -> Callable[[StudySpec], Iterator[Series]]:
    def recipe(spec: StudySpec) -> Iterator[Series]:
        body = head.Head(head.Case(spec.images.seed, case.age, case.lesions))
        grid, pixel = centres(320, 230.0), 230.0 / 320

        def axial() -> Iterator[Picture]:
            for i in range(24):
                z = -58.0 + 6 * i
                yield Picture(brain_axial(body, z), located(grid, grid, z))

        def sagittal() -> Iterator[Picture]:
            y, z = grid + 2, -grid - 18
            for i in range(20):
                x = -64.6 + 6.8 * i
                signal = body.cut(f32([[x]]), y[None, :], z[:, None], head.T1, 1.0)
                yield Picture(
                    mr_pixels(signal, body.case.seed, x),
                    located(x, y, float(z[0])) | {"SliceLocation": f"{x:.3f}"},
                )

        yield Series("AX T2", MRImageStorage, _mr(spec, "T2", AXIAL, pixel, 5, 6, (1000, 500)), axial())
        yield Series(
            "SAG T1", MRImageStorage, _mr(spec, "T1", SAGITTAL, pixel, 5, 6.8, (900, 440)), sagittal()
        )

    return recipe


def lumbar_mr(spec: StudySpec) -> Iterator[Series]:
    spine = lumbar.Lumbar(spec.images.seed)
    grid, pixel = centres(320, 280.0), 280.0 / 320
    for kind, table, window in (("T2", lumbar.T2, (900, 420)), ("T1", lumbar.T1, (850, 400))):

        def pictures(table: tuple[float, ...] = table) -> Iterator[Picture]:
            for i in range(11):
                x = -22.5 + 4.5 * i
                pixels = mr_pixels(spine.cut(x, grid, -grid, table, 1.2), spec.images.seed, x, 12)
                yield Picture(pixels, located(x, grid, float(-grid[0])) | {"SliceLocation": f"{x:.3f}"})

        yield Series(
            f"SAG {kind}", MRImageStorage, _mr(spec, kind, SAGITTAL, pixel, 4, 4.5, window), pictures()
        )
