"""Projections: chest, limbs, breast."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from PIL import Image
from pydicom.uid import (
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalXRayImageStorageForPresentation,
)

from mip_app.demo.anatomy import flat
from mip_app.demo.anatomy.canvas import Array, f32
from mip_app.demo.anatomy.torso import Build, Torso
from mip_app.demo.catalogue import StudySpec
from mip_app.demo.phantom import Picture, Pixels, Series, mark
from mip_app.demo.recipes.ct import someone
from mip_app.demo.recipes.imaging import centres, code, enlarge


def _film(through: Array, seed: int, bits: int, corner: str, noise: float = 0.006) -> Pixels:
    """Log-like radiograph of a path through tissue, 0 … 1 scaled, local contrast raised."""
    low, high = 0.8 * np.percentile(through[through > 0.06], 3), np.percentile(through, 99.7)
    level = np.clip((through - low) / (high - low), 0, 1.08)
    size = (through.shape[1] // 16, through.shape[0] // 16)
    small = Image.fromarray(level).resize(size, Image.Resampling.BOX)
    wide = f32(np.asarray(small.resize(through.shape[::-1], Image.Resampling.BICUBIC)))
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
    path = enlarge(f32(np.stack(lines)), rows, columns)
    return _film(f32(1 - np.exp(-path / 170)), build.seed, 14, "tl")


def chest_radiograph(spec: StudySpec) -> Iterator[Series]:
    same = spec.patient.id == "0012345678"
    build = Build(seed=spec.images.seed, nodule=5.4) if same else someone(spec, vessels=330)
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


def bones(kind: str, fracture: bool = False) -> Callable[[StudySpec], Iterator[Series]]:
    def recipe(spec: StudySpec) -> Iterator[Series]:
        x, y = centres(840, 168.0), centres(1080, 216.0)
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


def mammogram(lump: bool) -> Callable[[StudySpec], Iterator[Series]]:
    def recipe(spec: StudySpec) -> Iterator[Series]:
        x, y = f32(np.arange(660) * 0.16), centres(1056, 169.0)
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
                    "ImageLaterality": side, "ViewCodeSequence": [code(*VIEWS[view])], "BreastImplantPresent": "NO", "KVP": "29",
                    "WindowWidth": "2600", "WindowCenter": "1500",
                }  # fmt: skip
                sop = DigitalMammographyXRayImageStorageForPresentation
                yield Series(f"{side} {view}", sop, attributes, [Picture(pixels)])

    return recipe


VIEWS = {
    "CC": ("399162004", "cranio-caudal"),
    "MLO": ("399368009", "medio-lateral oblique"),
}  # PS3.16 CID 4014
