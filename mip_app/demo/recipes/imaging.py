"""What every scanner shares: pixel grids, noise, sharpness, where a slice lies."""

from functools import cache
from typing import Any

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset

from mip_app.demo.anatomy.canvas import Array, f32

AXIAL, SAGITTAL = ["1", "0", "0", "0", "1", "0"], ["0", "1", "0", "0", "0", "-1"]


@cache
def _noise(kernel: str) -> Array:
    """A bed of unit noise to cut slices out of; `soft` is grainy like a smooth kernel, `sharp` fine."""
    white = np.random.default_rng(20).standard_normal((701, 701), dtype=np.float32)
    blurred = blur(white)
    bed = blur(blurred) - 0.25 * blur(blur(blur(blurred))) if kernel == "soft" else white - 0.55 * blurred
    return f32(bed / bed.std())


def blur(picture: Array) -> Array:
    """Three by three, weights 1 2 1."""
    tall = picture + 0.5 * (np.roll(picture, 1, 0) + np.roll(picture, -1, 0))
    return f32((tall + 0.5 * (np.roll(tall, 1, 1) + np.roll(tall, -1, 1))) / 4)


def ct_grain(kernel: str, shape: tuple[int, ...], *names: float) -> Array:
    """Unit noise for one slice; `names` tell it from every other."""
    random = np.random.default_rng([int(abs(n) * 97) for n in names])
    row, column = random.integers(0, 701, 2)
    return np.roll(_noise(kernel), (-row, -column), (0, 1))[: shape[0], : shape[1]]


def centres(count: int, fov: float) -> Array:
    """Centres of `count` pixels over `fov` mm around 0."""
    return f32((np.arange(count) - (count - 1) / 2) * fov / count)


def enlarge(picture: Array, rows: int, columns: int) -> Array:
    """Cubic, to rows × columns."""
    return f32(np.asarray(Image.fromarray(picture).resize((columns, rows), Image.Resampling.BICUBIC)))


def located(x: Array | float, y: Array | float, z: float) -> dict[str, Any]:
    """Position of the first pixel of a slice, from the grids or numbers of its axes."""
    first = [float(np.ravel(v)[0]) for v in (x, y, z)]
    return {"ImagePositionPatient": [f"{v:.3f}" for v in first], "SliceLocation": f"{first[2]:.3f}"}


def code(value: str, meaning: str, scheme: str = "SCT") -> Dataset:
    """A coded entry (PS3.3 8.8)."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item
