"""CT series of trunk and head."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
from pydicom.uid import CTImageStorage

from mip_app.demo.anatomy import head
from mip_app.demo.anatomy.canvas import Array, f32
from mip_app.demo.anatomy.torso import Build, Torso
from mip_app.demo.catalogue import StudySpec
from mip_app.demo.phantom import Picture, Pixels, Series, mark, uid
from mip_app.demo.recipes.imaging import blur, centres, ct_grain, enlarge, located

TRUNK_FOV, HEAD_FOV = 380.0, 240.0  # mm


@cache
def _table(size: int, fov: float, depth: float) -> Array:
    """The couch under the patient, HU."""
    x, y = centres(size, fov)[None, :], centres(size, fov)[:, None]
    below = y - (depth - 0.0016 * x * x)
    shell = (np.abs(below - 1) < 1.2) | (np.abs(below - 17 - 0.0004 * x * x) < 1.2)
    foam = (below > 1) & (below < 17 + 0.0004 * x * x)
    return f32(
        np.where(np.abs(x) < fov * 0.44, np.where(shell, -180.0, np.where(foam, -955.0, -1000.0)), -1000.0)
    )


@cache
def _radius(size: int) -> Array:
    return f32(np.hypot(centres(size, 2.0)[None, :], centres(size, 2.0)[:, None]))


def _scan(
    hounsfield: Array, noise: Array, level: float, fov: float, window: float, table: Array | None = None
) -> Pixels:
    """Stored values (HU + 1024) of a square slice: couch, noise, round field of view, the mark."""
    size = len(hounsfield)
    picture = hounsfield if table is None else np.maximum(hounsfield, table)
    radius = _radius(size)
    picture = picture + noise * (level * (1.25 - 0.55 * radius))
    stored = np.clip(picture + np.float32(1024.5), 0, 4095).astype(np.uint16)
    stored[radius > 1.0] = 0
    return mark(stored, 1024 + window, floor=0.0 if window > 250 else 1024 - window)


def _ct(
    name: str, spacing: float, thick: float, pixel: float, kernel: str, window: tuple[int, int], key: str
) -> dict[str, Any]:
    return {
        "SliceThickness": f"{thick:g}", "SpacingBetweenSlices": f"{spacing:g}", "KVP": "120", "XRayTubeCurrent": "220",
        "ConvolutionKernel": kernel, "PatientPosition": "HFS", "PixelSpacing": [f"{pixel:.6f}"] * 2,
        "ImageOrientationPatient": ["1", "0", "0", "0", "1", "0"], "RescaleIntercept": "-1024", "RescaleSlope": "1",
        "RescaleType": "HU", "WindowWidth": str(window[0]), "WindowCenter": str(window[1]),
        "FrameOfReferenceUID": uid(key, "frame"), "PositionReferenceIndicator": "", "ProtocolName": name,
    }  # fmt: skip


def trunk_slice(torso: Torso, z: float, size: int, coarse: bool = False) -> Array:
    """HU of one noiseless slice, size × size over TRUNK_FOV; `coarse` paints half as fine and enlarges."""
    n = size // 2 if coarse else size
    grid = centres(n, TRUNK_FOV)
    deep = np.flatnonzero(np.abs(grid) < 122)
    part = torso.slice(grid, grid[deep], z)
    picture: Array = np.full((n, n), -1000.0, np.float32)
    picture[deep[0] : deep[-1] + 1] = part
    return enlarge(picture, size, size) if coarse else picture


def trunk_pixels(
    torso: Torso, z: float, size: int, kernel: str, level: float, coarse: bool = False
) -> Pixels:
    """Stored pixels of one trunk slice; `sharp` is the lung kernel with its bright edges."""
    picture = trunk_slice(torso, z, size, coarse)
    if kernel == "sharp":
        picture = picture + 0.7 * (picture - blur(picture))
    noise = ct_grain(kernel, picture.shape, z + 500, torso.build.seed)
    if z > 55:  # streaks of the shoulders
        noise = noise + 0.9 * f32(np.repeat(noise[:, ::4], 4, axis=1)[:, : noise.shape[1]])
    return _scan(
        picture, noise, level, TRUNK_FOV, 300 if kernel == "sharp" else 210, _table(size, TRUNK_FOV, 113.0)
    )


def _trunk_series(
    spec: StudySpec, name: str, build: Build, top: float, count: int, step: float, size: int, kernel: str, window: tuple[int, int],
    coarse: bool = False, rle: bool = False, extra: dict[str, Any] | None = None,
) -> Series:  # fmt: skip
    pixel = TRUNK_FOV / size
    corner = -TRUNK_FOV / 2 + pixel / 2

    def pictures() -> Iterator[Picture]:
        torso = Torso(build)
        level = {"sharp": 34.0, "soft": 11.0}[kernel]
        for i in range(count):
            z = top - i * step
            yield Picture(trunk_pixels(torso, z, size, kernel, level, coarse), located(corner, corner, z))

    filters = {"sharp": "LUNG", "soft": "STANDARD"}[kernel]
    attributes = _ct(name, step, step, pixel, filters, window, spec.key) | (extra or {})
    return Series(name, CTImageStorage, attributes, pictures(), rle=rle)


def someone(spec: StudySpec, **more: Any) -> Build:
    """A body for the patient of this study: sex as recorded, build by the seed."""
    return Build(
        seed=spec.images.seed,
        female=spec.patient.sex == "F",
        fat=9.0 + 3.1 * (spec.images.seed * 7 % 5),
        **more,
    )


LUNG_WINDOW, SOFT_WINDOW, BELLY_WINDOW, BRAIN_WINDOW = (1500, -600), (400, 40), (300, 50), (80, 36)


def chest_nodule(spec: StudySpec) -> Iterator[Series]:
    plain = Build(seed=spec.images.seed, nodule=5.4)
    lit = Build(seed=spec.images.seed, nodule=5.4, enhanced=True)
    agent = {"ContrastBolusAgent": "Iohexol 350", "ContrastBolusRoute": "IV"}
    yield _trunk_series(spec, "肺窗 2.5mm", plain, 97.5, 128, 2.5, 512, "sharp", LUNG_WINDOW)
    yield _trunk_series(
        spec,
        "纵隔窗 增强 5mm",
        lit,
        97.5,
        64,
        5.0,
        512,
        "soft",
        SOFT_WINDOW,
        coarse=True,
        rle=True,
        extra=agent,
    )


def chest_prior(spec: StudySpec) -> Iterator[Series]:
    build = Build(seed=spec.images.seed, nodule=2.6, spiculated=False)
    yield _trunk_series(
        spec, "肺窗 7.5mm", build, 97.5, 40, 7.5, 512, "sharp", LUNG_WINDOW, coarse=False, rle=True
    )


def chest_thick(spec: StudySpec) -> Iterator[Series]:
    yield _trunk_series(
        spec, "肺窗 15mm", someone(spec, vessels=330), 80, 18, 15.0, 256, "sharp", LUNG_WINDOW
    )


def abdomen_plain(spec: StudySpec) -> Iterator[Series]:
    yield _trunk_series(
        spec, "上腹部 10mm", someone(spec, vessels=60), -105, 16, 10.0, 256, "soft", BELLY_WINDOW
    )


def abdomen_enhanced(spec: StudySpec) -> Iterator[Series]:
    yield _trunk_series(
        spec,
        "门静脉期 7mm",
        someone(spec, vessels=60, enhanced=True),
        -105,
        28,
        7.0,
        256,
        "soft",
        BELLY_WINDOW,
    )


def head_slice(body: head.Head, z: float, size: int, seed: int) -> Pixels:
    """Stored pixels of one head CT slice."""
    grid = centres(size, HEAD_FOV)
    soft = HEAD_FOV / size * 1.2
    picture = body.cut(grid[None, :], grid[:, None], f32([[z]]), head.CT, soft)
    return _scan(picture, ct_grain("soft", picture.shape, z + 300, seed), 3.6, HEAD_FOV, 100)


def head_ct(case: head.Case, size: int, count: int, step: float) -> Callable[[StudySpec], Iterator[Series]]:
    def recipe(spec: StudySpec) -> Iterator[Series]:
        mine = head.Case(spec.images.seed, case.age, case.lesions, case.bleeding)
        corner = -HEAD_FOV / 2 * (1 - 1 / size)

        def pictures() -> Iterator[Picture]:
            body = head.Head(mine)
            for i in range(count):
                z = 76 - i * step
                yield Picture(head_slice(body, z, size, mine.seed), located(corner, corner, z))

        attributes = _ct("颅脑平扫", step, step, HEAD_FOV / size, "BRAIN", BRAIN_WINDOW, spec.key)
        yield Series(f"颅脑平扫 {step:g}mm", CTImageStorage, attributes, pictures())

    return recipe
