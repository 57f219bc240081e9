"""Ultrasound, angiogram and PET."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import (
    PositronEmissionTomographyImageStorage,
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
    XRayAngiographicImageStorage,
)

from mip_app.demo.anatomy import flat
from mip_app.demo.anatomy.canvas import Array, Canvas, f32
from mip_app.demo.anatomy.mediastinum import HEART
from mip_app.demo.anatomy.torso import NODULE, Torso
from mip_app.demo.catalogue import StudySpec
from mip_app.demo.phantom import Picture, Series, mark, uid
from mip_app.demo.recipes.ct import TRUNK_FOV, someone, trunk_slice
from mip_app.demo.recipes.imaging import AXIAL, blur, centres, code, ct_grain, located


def ultrasound(kind: str, frames: int) -> Callable[[StudySpec], Iterator[Series]]:
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
        torso = Torso(someone(spec, vessels=40))
        grid = centres(size, TRUNK_FOV)
        for i in range(80):
            z = 98.0 - 5 * i
            uptake = blur(blur(_uptake(torso, grid, z)))
            noise = ct_grain("soft", uptake.shape, z + 500, 3)
            activity = np.clip(uptake + 0.16 * np.sqrt(uptake + 0.02) * noise, 0, None) * BECQUEREL
            pixels = mark(np.clip(np.rint(activity / slope), 0, 32767).astype(np.int16), 12000)
            place = located(grid, grid, z) | {
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
    tracer.RadionuclideCodeSequence = [code("77004003", "^18^Fluorine")]
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
    canvas.fill(canvas.cover(HEART[0].distance(canvas.x, canvas.y, z) + 2, 6) * (-130 < z < -40), 5.2)
    canvas.ellipsoid((44, -26, -88), (36, 20, 22), 1.7, -42, tilt=28)
    canvas.fill(f32((tissue > 45) & (tissue < 75) & (canvas.x < 40) & (z < -95) & (z > -255)) * 0.9, 2.3)
    canvas.ellipsoid((96, 36, -160), (24, 46, 48), 2.0, 62)
    for side, height in ((1, -222), (-1, -234)):
        canvas.ellipsoid((side * 62, 44, height), (26, 22, 48), 4.2, side * 35)
        canvas.ellipsoid((side * 48, 36, height), (9, 7, 16), 14.0, side * 35)
    canvas.ellipsoid(NODULE, (9, 9, 9), 8.6)
    canvas.ellipsoid((-14, 6, 10), (6, 5, 7), 3.4)
    return canvas.value
