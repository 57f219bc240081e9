"""What a scanner would make of the invented bodies: series by series, from tissue to stored pixels."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import (
    CTImageStorage,
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalXRayImageStorageForPresentation,
    MRImageStorage,
    PositronEmissionTomographyImageStorage,
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
    XRayAngiographicImageStorage,
)

from mip_app.demo.anatomy import flat, head, lumbar
from mip_app.demo.anatomy.canvas import Array, Canvas, f32
from mip_app.demo.anatomy.torso import NODULE, Build, Torso
from mip_app.demo.catalogue import StudySpec
from mip_app.demo.phantom import Picture, Pixels, Series, mark, uid

TRUNK_FOV, HEAD_FOV = 380.0, 240.0  # mm


# --- noise and sharpness ------------------------------------------------------------------------------------------


@cache
def _noise(kernel: str) -> Array:
    """A bed of unit noise to cut slices out of; `soft` is grainy like a smooth kernel, `sharp` fine."""
    white = np.random.default_rng(20).standard_normal((701, 701), dtype=np.float32)
    blurred = _blur(white)
    bed = _blur(blurred) - 0.25 * _blur(_blur(_blur(blurred))) if kernel == "soft" else white - 0.55 * blurred
    return f32(bed / bed.std())


def _blur(picture: Array) -> Array:
    tall = picture + 0.5 * (np.roll(picture, 1, 0) + np.roll(picture, -1, 0))
    return f32((tall + 0.5 * (np.roll(tall, 1, 1) + np.roll(tall, -1, 1))) / 4)


def _grain(kernel: str, shape: tuple[int, int], *names: float) -> Array:
    random = np.random.default_rng([int(abs(n) * 97) for n in names])
    row, column = random.integers(0, 701, 2)
    return np.roll(_noise(kernel), (-row, -column), (0, 1))[: shape[0], : shape[1]]


def _grid(count: int, fov: float) -> Array:
    return f32((np.arange(count) - (count - 1) / 2) * fov / count)


def _enlarge(picture: Array, rows: int, columns: int) -> Array:
    return f32(Image.fromarray(picture).resize((columns, rows), Image.Resampling.BICUBIC))


# --- CT -------------------------------------------------------------------------------------------------------------


@cache
def _table(size: int, fov: float, depth: float) -> Array:
    """The couch under the patient, HU."""
    x, y = _grid(size, fov)[None, :], _grid(size, fov)[:, None]
    below = y - (depth - 0.0016 * x * x)
    shell = (np.abs(below - 1) < 1.2) | (np.abs(below - 17 - 0.0004 * x * x) < 1.2)
    foam = (below > 1) & (below < 17 + 0.0004 * x * x)
    return f32(
        np.where(np.abs(x) < fov * 0.44, np.where(shell, -180.0, np.where(foam, -955.0, -1000.0)), -1000.0)
    )


def _scan(
    hounsfield: Array, noise: Array, level: float, fov: float, window: float, table: Array | None = None
) -> Pixels:
    """Stored values (HU + 1024) of a square slice: couch, noise, round field of view, the mark."""
    size = len(hounsfield)
    picture = hounsfield if table is None else np.maximum(hounsfield, table)
    radius = np.hypot(_grid(size, 2.0)[None, :], _grid(size, 2.0)[:, None])
    picture = picture + noise * f32(level * (1.25 - 0.55 * radius))
    picture[radius > 1.0] = -1024
    stored = np.clip(np.rint(picture) + 1024, 0, 4095).astype(np.uint16)
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


def _place(x: Array | float, y: Array | float, z: float) -> dict[str, Any]:
    first = [float(np.ravel(v)[0]) for v in (x, y, z)]
    return {"ImagePositionPatient": [f"{v:.3f}" for v in first], "SliceLocation": f"{first[2]:.3f}"}


def trunk_slice(torso: Torso, z: float, size: int, coarse: bool = False) -> Array:
    """HU of one noiseless slice, size × size over TRUNK_FOV; `coarse` paints half as fine and enlarges."""
    n = size // 2 if coarse else size
    grid = _grid(n, TRUNK_FOV)
    deep = np.flatnonzero(np.abs(grid) < 122)
    part = torso.slice(grid, grid[deep], z)
    picture: Array = np.full((n, n), -1000.0, np.float32)
    picture[deep[0] : deep[-1] + 1] = part
    return _enlarge(picture, size, size) if coarse else picture


def trunk_pixels(
    torso: Torso, z: float, size: int, kernel: str, level: float, coarse: bool = False
) -> Pixels:
    """Stored pixels of one trunk slice; `sharp` is the lung kernel with its bright edges."""
    picture = trunk_slice(torso, z, size, coarse)
    if kernel == "sharp":
        picture = picture + 0.7 * (picture - _blur(picture))
    noise = _grain(kernel, picture.shape, z + 500, torso.build.seed)
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
            yield Picture(trunk_pixels(torso, z, size, kernel, level, coarse), _place(corner, corner, z))

    filters = {"sharp": "LUNG", "soft": "STANDARD"}[kernel]
    attributes = _ct(name, step, step, pixel, filters, window, spec.key) | (extra or {})
    return Series(name, CTImageStorage, attributes, pictures(), rle=rle)


def _someone(spec: StudySpec, **more: Any) -> Build:
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
        spec, "肺窗 15mm", _someone(spec, vessels=330), 80, 18, 15.0, 256, "sharp", LUNG_WINDOW
    )


def abdomen_plain(spec: StudySpec) -> Iterator[Series]:
    yield _trunk_series(
        spec, "上腹部 10mm", _someone(spec, vessels=60), -105, 16, 10.0, 256, "soft", BELLY_WINDOW
    )


def abdomen_enhanced(spec: StudySpec) -> Iterator[Series]:
    yield _trunk_series(
        spec,
        "门静脉期 7mm",
        _someone(spec, vessels=60, enhanced=True),
        -105,
        28,
        7.0,
        256,
        "soft",
        BELLY_WINDOW,
    )


def head_slice(body: head.Head, z: float, size: int, seed: int) -> Pixels:
    """Stored pixels of one head CT slice."""
    grid = _grid(size, HEAD_FOV)
    soft = HEAD_FOV / size * 1.2
    picture = body.cut(grid[None, :], grid[:, None], f32([[z]]), head.CT, soft)
    return _scan(picture, _grain("soft", picture.shape, z + 300, seed), 3.6, HEAD_FOV, 100)


def _head_ct(case: head.Case, size: int, count: int, step: float) -> Callable[[StudySpec], Iterator[Series]]:
    def recipe(spec: StudySpec) -> Iterator[Series]:
        mine = head.Case(spec.images.seed, case.age, case.lesions, case.bleeding)
        corner = -HEAD_FOV / 2 * (1 - 1 / size)

        def pictures() -> Iterator[Picture]:
            body = head.Head(mine)
            for i in range(count):
                z = 76 - i * step
                yield Picture(head_slice(body, z, size, mine.seed), _place(corner, corner, z))

        attributes = _ct("颅脑平扫", step, step, HEAD_FOV / size, "BRAIN", BRAIN_WINDOW, spec.key)
        yield Series(f"颅脑平扫 {step:g}mm", CTImageStorage, attributes, pictures())

    return recipe


# --- MR -------------------------------------------------------------------------------------------------------------


def mr_pixels(signal: Array, seed: int, z: float, level: float = 15.0) -> Pixels:
    """Magnitude with noise (Rician) and the slow fall-off of a coil, then the mark."""
    rows, columns = signal.shape
    shade = 1.06 - 0.16 * np.hypot(_grid(columns, 2.0)[None, :] - 0.1, _grid(rows, 2.0)[:, None] + 0.1)
    real = 0.6 * signal + 0.4 * _blur(signal)
    noise = _grain("sharp", signal.shape, z + 400, seed), _grain("sharp", signal.shape, z + 400, seed, 7)
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


AXIAL, SAGITTAL = ["1", "0", "0", "0", "1", "0"], ["0", "1", "0", "0", "0", "-1"]


def brain_axial(body: head.Head, z: float, size: int = 320) -> Pixels:
    """Stored pixels of one T2-like axial slice, 230 mm."""
    grid = _grid(size, 230.0)
    return mr_pixels(body.cut(grid[None, :], grid[:, None], f32([[z]]), head.T2, 1.0), body.case.seed, z)


def _brain(case: head.Case) -> Callable[[StudySpec], Iterator[Series]]:
    def recipe(spec: StudySpec) -> Iterator[Series]:
        body = head.Head(head.Case(spec.images.seed, case.age, case.lesions))
        grid, pixel = _grid(320, 230.0), 230.0 / 320

        def axial() -> Iterator[Picture]:
            for i in range(24):
                z = -58.0 + 6 * i
                yield Picture(brain_axial(body, z), _place(grid, grid, z))

        def sagittal() -> Iterator[Picture]:
            y, z = grid + 2, -grid - 18
            for i in range(20):
                x = -64.6 + 6.8 * i
                signal = body.cut(f32([[x]]), y[None, :], z[:, None], head.T1, 1.0)
                yield Picture(
                    mr_pixels(signal, body.case.seed, x),
                    _place(x, y, float(z[0])) | {"SliceLocation": f"{x:.3f}"},
                )

        yield Series("AX T2", MRImageStorage, _mr(spec, "T2", AXIAL, pixel, 5, 6, (1000, 500)), axial())
        yield Series(
            "SAG T1", MRImageStorage, _mr(spec, "T1", SAGITTAL, pixel, 5, 6.8, (900, 440)), sagittal()
        )

    return recipe


def lumbar_mr(spec: StudySpec) -> Iterator[Series]:
    spine = lumbar.Lumbar(spec.images.seed)
    grid, pixel = _grid(320, 280.0), 280.0 / 320
    for kind, table, window in (("T2", lumbar.T2, (900, 420)), ("T1", lumbar.T1, (850, 400))):

        def pictures(table: tuple[float, ...] = table) -> Iterator[Picture]:
            for i in range(11):
                x = -22.5 + 4.5 * i
                pixels = mr_pixels(spine.cut(x, grid, -grid, table, 1.2), spec.images.seed, x, 12)
                yield Picture(pixels, _place(x, grid, float(-grid[0])) | {"SliceLocation": f"{x:.3f}"})

        yield Series(
            f"SAG {kind}", MRImageStorage, _mr(spec, kind, SAGITTAL, pixel, 4, 4.5, window), pictures()
        )


# --- projections ------------------------------------------------------------------------------------------------------


def _film(through: Array, seed: int, bits: int, corner: str, noise: float = 0.006) -> Pixels:
    """Log-like radiograph of a path through tissue, 0 … 1 scaled, local contrast raised."""
    low, high = 0.8 * np.percentile(through[through > 0.06], 3), np.percentile(through, 99.7)
    level = np.clip((through - low) / (high - low), 0, 1.08)
    size = (through.shape[1] // 16, through.shape[0] // 16)
    wide = f32(
        Image.fromarray(level)
        .resize(size, Image.Resampling.BOX)
        .resize(through.shape[::-1], Image.Resampling.BICUBIC)
    )
    level = 0.86 * level + 0.55 * (level - wide) + 0.03
    random = np.random.default_rng(seed)
    level = level + noise * random.standard_normal(level.shape, dtype=np.float32)
    full = (1 << bits) - 1
    return mark(np.clip(np.rint(level * full * 0.92), 0, full).astype(np.uint16), full * 0.85, corner)


def _projection(view: str, orientation: list[str], pixel: float, bits: int, window: float) -> dict[str, Any]:
    return {
        "ViewPosition": view, "PatientOrientation": orientation, "ImagerPixelSpacing": [f"{pixel:.4f}"] * 2,
        "PixelSpacing": [f"{pixel:.4f}"] * 2, "PresentationIntentType": "FOR PRESENTATION", "PixelIntensityRelationship": "LOG",
        "PixelIntensityRelationshipSign": -1, "RescaleIntercept": "0", "RescaleSlope": "1", "RescaleType": "US",
        "PresentationLUTShape": "IDENTITY", "LossyImageCompression": "00", "WindowWidth": str(1 << bits),
        "WindowCenter": str(int((1 << bits) * window)), "ImageLaterality": "U", "KVP": "120" if view == "PA" else "60",
        "DetectorType": "DIRECT", "DetectorConfiguration": "AREA", "PatientPosition": "",
    }  # fmt: skip


def chest_film(build: Build, rows: int = 1100, columns: int = 1240) -> Pixels:
    """A chest seen from behind: the attenuation of every slice summed along the beam."""
    torso = Torso(build)
    x, y = f32((np.arange(420) - 209.5) * (372 / 420)), f32((np.arange(56) - 27.5) * 4.0)
    lines = []
    for z in np.arange(108.0, -222.0, -2.0):
        tissue = torso.slice(x, y, float(z))
        dense = np.clip((tissue + 1000) / 1000, 0, None) + 1.1 * np.clip(tissue - 140, 0, None) / 1000
        lines.append(dense.sum(axis=0) * 4.0)
    path = _enlarge(f32(np.stack(lines)), rows, columns)
    return _film(f32(1 - np.exp(-path / 170)), build.seed, 14, "tl")


def chest_radiograph(spec: StudySpec) -> Iterator[Series]:
    same = spec.patient.id == "0012345678"
    build = Build(seed=spec.images.seed, nodule=5.4) if same else _someone(spec, vessels=330)
    attributes = _projection("PA", ["L", "F"], 372 / 1240, 14, 0.46)
    yield Series(
        "胸部后前位",
        DigitalXRayImageStorageForPresentation,
        attributes,
        (Picture(chest_film(build)) for _ in (1,)),
        bits=14,
    )


FOREARM = (((-1, 110), (0, 30), (-4, -20), (-4, -66)), (27, 30, 40, 43))
FINGERS = tuple(
    ((a, b), (12, 9)) for a, b in (((-40, -50), (-54, -90)), ((-22, -80), (-28, -140)), ((-2, -80), (-2, -150)), ((18, -80), (24, -138)), ((34, -70), (44, -118)))
)  # fmt: skip


def _bones(kind: str, fracture: bool = False) -> Callable[[StudySpec], Iterator[Series]]:
    def recipe(spec: StudySpec) -> Iterator[Series]:
        x, y = _grid(840, 168.0), _grid(1080, 216.0)
        if kind == "knee":
            path = flat.limb(flat.KNEE, x, y, spec.images.seed, (((((0, -130), (-2, 130)), (62, 50))),))
        else:
            path = flat.limb(flat.WRIST, x, y - 22, spec.images.seed, (FOREARM, *FINGERS), fracture)
        if spec.description.startswith("右"):
            path = f32(path[:, ::-1])  # seen from the front the right limb mirrors the left
        film = _film(f32(1 - np.exp(-path / (60 if kind == "knee" else 42))), spec.images.seed, 12, "bl")
        side = "R" if spec.description.startswith("右") else "L"
        attributes = _projection("AP" if kind == "knee" else "PA", ["L", "F"], 0.2, 12, 0.5) | {
            "ImageLaterality": side
        }
        yield Series(
            spec.description[1:], DigitalXRayImageStorageForPresentation, attributes, [Picture(film)], bits=12
        )

    return recipe


def _mammogram(lump: bool) -> Callable[[StudySpec], Iterator[Series]]:
    def recipe(spec: StudySpec) -> Iterator[Series]:
        x, y = f32(np.arange(660) * 0.16), _grid(1056, 169.0)
        for view, oblique in (("CC", False), ("MLO", True)):
            for side in ("R", "L"):
                seed = spec.images.seed + 100 * (side == "L")
                film = flat.breast(x, y, seed, oblique, lump and side == "L")
                random = np.random.default_rng(seed)
                level = film * 0.8 + 0.008 * random.standard_normal(film.shape, dtype=np.float32)
                level = f32(level[:, ::-1]) if side == "R" else level
                pixels = mark(
                    np.clip(np.rint(level * 4095), 0, 4095).astype(np.uint16),
                    3000,
                    "tl" if side == "R" else "tr",
                )
                feet = {
                    "CC": ["P", "L"] if side == "R" else ["A", "R"],
                    "MLO": ["P", "FL"] if side == "R" else ["A", "FR"],
                }[view]
                attributes = _projection(view, feet, 0.16, 12, 0.36) | {
                    "ImageLaterality": side, "ViewCodeSequence": [_code(*VIEWS[view])], "BreastImplantPresent": "NO", "KVP": "29",
                    "WindowWidth": "2600", "WindowCenter": "1500",
                }  # fmt: skip
                sop = DigitalMammographyXRayImageStorageForPresentation
                yield Series(f"{side} {view}", sop, attributes, [Picture(pixels)])

    return recipe


VIEWS = {
    "CC": ("399162004", "cranio-caudal"),
    "MLO": ("399368009", "medio-lateral oblique"),
}  # PS3.16 CID 4014


def _code(value: str, meaning: str, scheme: str = "SCT") -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


# --- moving pictures and emission -----------------------------------------------------------------------------------


def _ultrasound(kind: str, frames: int) -> Callable[[StudySpec], Iterator[Series]]:
    def recipe(spec: StudySpec) -> Iterator[Series]:
        stack = np.stack(flat.sector(kind, frames, spec.images.seed))
        pixels = mark(np.clip(np.rint(stack * 245), 0, 255).astype(np.uint8), 190)
        region = Dataset()
        region.RegionSpatialFormat, region.RegionDataType, region.RegionFlags = 1, 1, 2
        region.RegionLocationMinX0, region.RegionLocationMinY0 = 0, 24
        region.RegionLocationMaxX1, region.RegionLocationMaxY1 = 639, 479
        region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3  # centimetres
        region.PhysicalDeltaX = region.PhysicalDeltaY = 150.0 / 440 / 10
        attributes: dict[str, Any] = {"SequenceOfUltrasoundRegions": [region], "LossyImageCompression": "00"}
        if frames > 1:
            attributes |= {"FrameTime": "50", "FrameIncrementPointer": 0x00181063, "CineRate": 20}
        sop = UltrasoundMultiFrameImageStorage if frames > 1 else UltrasoundImageStorage
        yield Series(
            spec.description, sop, attributes, [Picture(pixels if frames > 1 else pixels[0])], bits=8
        )

    return recipe


def coronary(spec: StudySpec) -> Iterator[Series]:
    stack = np.stack(flat.angiogram(20, spec.images.seed))
    random = np.random.default_rng(spec.images.seed)
    stack = stack * 225 + 5 * np.sqrt(stack) * random.standard_normal(stack.shape, dtype=np.float32)
    pixels = mark(np.clip(np.rint(stack), 0, 255).astype(np.uint8), 250)
    attributes = {
        "FrameTime": "66.67", "FrameIncrementPointer": 0x00181063, "CineRate": 15, "KVP": "78", "RadiationSetting": "GR",
        "PixelIntensityRelationship": "LIN", "PositionerMotion": "STATIC", "PositionerPrimaryAngle": "-28",
        "PositionerSecondaryAngle": "22", "ImagerPixelSpacing": ["0.308", "0.308"], "LossyImageCompression": "00",
        "ContrastBolusAgent": "Iodixanol 320", "WindowWidth": "256", "WindowCenter": "128",
    }  # fmt: skip
    yield Series("左冠状动脉", XRayAngiographicImageStorage, attributes, [Picture(pixels)], bits=8)


BECQUEREL = 259e6 / 66000  # per ml at an uptake (SUV) of 1: dose over weight


def pet(spec: StudySpec) -> Iterator[Series]:
    size, pixel, slope = 160, TRUNK_FOV / 160, 2.0

    def pictures() -> Iterator[Picture]:
        torso = Torso(_someone(spec, vessels=40))
        grid = _grid(size, TRUNK_FOV)
        for i in range(80):
            z = 98.0 - 5 * i
            uptake = _blur(_blur(_uptake(torso, grid, z)))
            noise = _grain("soft", uptake.shape, z + 500, 3)
            activity = np.clip(uptake + 0.16 * np.sqrt(uptake + 0.02) * noise, 0, None) * BECQUEREL
            pixels = mark(np.clip(np.rint(activity / slope), 0, 32767).astype(np.int16), 12000)
            place = _place(grid, grid, z) | {
                "ImageIndex": i + 1,
                "FrameReferenceTime": "0",
                "DecayFactor": "1.02",
            }
            yield Picture(pixels, place)

    tracer = Dataset()
    tracer.Radiopharmaceutical, tracer.RadiopharmaceuticalStartTime = (
        "FDG -- fluorodeoxyglucose",
        f"{spec.time}00",
    )
    tracer.RadionuclideTotalDose, tracer.RadionuclideHalfLife = "259000000", "6586.2"
    tracer.RadionuclidePositronFraction = "0.97"
    tracer.RadionuclideCodeSequence = [_code("77004003", "^18^Fluorine")]
    attributes = {
        "SeriesType": ["STATIC", "IMAGE"], "Units": "BQML", "CountsSource": "EMISSION", "DecayCorrection": "START", "PatientWeight": "66",
        "CorrectedImage": ["DECY", "ATTN", "SCAT", "NORM"], "NumberOfSlices": 80, "RadiopharmaceuticalInformationSequence": [tracer],
        "SliceThickness": "5", "PixelSpacing": [f"{pixel:.6f}"] * 2, "ImageOrientationPatient": AXIAL, "PatientPosition": "HFS",
        "FrameOfReferenceUID": uid(spec.key, "frame"), "PositionReferenceIndicator": "", "RescaleIntercept": "0",
        "RescaleSlope": f"{slope:g}", "WindowWidth": "26000", "WindowCenter": "13000", "ActualFrameDuration": "120000",
        "CollimatorType": "NONE", "ReconstructionMethod": "OSEM", "AttenuationCorrectionMethod": "CT",
    }  # fmt: skip
    yield Series(
        "PET AC", PositronEmissionTomographyImageStorage, attributes, pictures(), bits=16, signed=True
    )


def _uptake(torso: Torso, grid: Array, z: float) -> Array:
    """Standard uptake values: what HU tells of the tissue, then the organs that burn sugar."""
    tissue = trunk_slice(torso, z, len(grid))
    canvas = Canvas(grid, grid, z, 0.0)
    canvas.value = f32(
        np.interp(tissue, [-990, -900, -300, -100, 20, 70, 200], [0, 0.35, 0.5, 0.3, 0.7, 0.95, 1.3])
    )
    canvas.fill(canvas.cover(torso.heart[0].distance(canvas.x, canvas.y, z) + 2, 6) * (-130 < z < -40), 5.2)
    canvas.ellipsoid((44, -26, -88), (36, 20, 22), 1.7, -42, tilt=28)
    canvas.fill(f32((tissue > 45) & (tissue < 75) & (canvas.x < 40) & (z < -95) & (z > -255)) * 0.9, 2.3)
    canvas.ellipsoid((96, 36, -160), (24, 46, 48), 2.0, 62)
    for side, height in ((1, -222), (-1, -234)):
        canvas.ellipsoid((side * 62, 44, height), (26, 22, 48), 4.2, side * 35)
        canvas.ellipsoid((side * 48, 36, height), (9, 7, 16), 14.0, side * 35)
    canvas.ellipsoid(NODULE, (9, 9, 9), 8.6)
    canvas.ellipsoid((-14, 6, 10), (6, 5, 7), 3.4)
    return canvas.value


RECIPES: dict[str, Callable[[StudySpec], Iterator[Series]]] = {
    "chest_nodule": chest_nodule,
    "chest_prior": chest_prior,
    "chest_thick": chest_thick,
    "chest_radiograph": chest_radiograph,
    "abdomen_plain": abdomen_plain,
    "abdomen_enhanced": abdomen_enhanced,
    "head_bleed": _head_ct(head.Case(age=0.6, bleeding=True), 512, 20, 6.5),
    "head_plain": _head_ct(head.Case(age=0.5), 256, 16, 8.0),
    "brain_mr": _brain(head.Case(age=0.25)),
    "brain_lacunes": _brain(head.Case(age=0.7, lesions=9)),
    "lumbar_mr": lumbar_mr,
    "knee": _bones("knee"),
    "wrist": _bones("wrist"),
    "wrist_fracture": _bones("wrist", fracture=True),
    "breast": _mammogram(lump=False),
    "breast_lump": _mammogram(lump=True),
    "us_liver": _ultrasound("liver", 16),
    "us_kidney": _ultrasound("kidney", 1),
    "us_thyroid": _ultrasound("thyroid", 1),
    "coronary": coronary,
    "pet": pet,
}
