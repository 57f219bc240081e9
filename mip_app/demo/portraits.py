"""Four pictures of synthetic patients for the sign-in page: `python -m mip_app.demo.portraits`."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from mip_app.demo.anatomy.canvas import Array, f32
from mip_app.demo.anatomy.head import Case, Head
from mip_app.demo.anatomy.torso import Build, Torso
from mip_app.demo.phantom import Pixels
from mip_app.demo.recipes.ct import head_slice, trunk_slice
from mip_app.demo.recipes.imaging import ct_grain
from mip_app.demo.recipes.mr import brain_axial

FOLDER = Path(__file__).parents[2] / "assets" / "portraits"
SIZE, LARGEST = 512, 40_000  # pixels, bytes


def _window(values: Pixels | Array, width: float, level: float) -> Array:
    return f32(np.clip((values.astype(np.float32) - level) / width + 0.5, 0, 1) * 255)


def _centred(picture: Array, threshold: float, margin: float) -> Image.Image:
    """A square around what is brighter than `threshold`; the word in the corner stays outside."""
    body = picture[: int(0.9 * len(picture))] > threshold
    rows, columns = (np.flatnonzero(body.sum(axis=axis) > 12) for axis in (1, 0))
    middle = (columns[0] + columns[-1]) / 2, (rows[0] + rows[-1]) / 2
    half = max(columns[-1] - columns[0], rows[-1] - rows[0]) / 2 * (1 + margin)
    box = (middle[0] - half, middle[1] - half, middle[0] + half, middle[1] + half)
    image = Image.fromarray(picture.astype(np.uint8))
    return image.resize((SIZE, SIZE), Image.Resampling.BICUBIC, box=_inside(box, image.size))


def _inside(
    box: tuple[float, float, float, float], size: tuple[int, int]
) -> tuple[float, float, float, float]:
    return max(box[0], 0), max(box[1], 0), min(box[2], size[0]), min(box[3], size[1])


def _trunk(torso: Torso, z: float, width: float, level: float, noise: float, kernel: str) -> Image.Image:
    """A trunk slice without couch and word, on black."""
    tissue = trunk_slice(torso, z, SIZE)
    body = tissue > -995
    grain = ct_grain(kernel, tissue.shape, z + 500, torso.build.seed)
    picture = np.where(body, _window(tissue + noise * grain, width, level), 0)
    return _centred(f32(picture), 20, 0.04)


def portraits() -> dict[str, Image.Image]:
    """Name → picture, 512 × 512, gray."""
    chest, lit = Torso(Build(seed=7, nodule=5.4)), Torso(Build(seed=7, nodule=5.4, enhanced=True))
    brain = brain_axial(Head(Case(seed=22, age=0.4)), 8.0, SIZE)
    skull = head_slice(Head(Case(seed=18, age=0.4)), 12.0, SIZE, 18)
    return {
        "ct-lung": _trunk(chest, -17.0, 1500, -600, 24, "sharp"),
        "ct-chest": _trunk(lit, -74.0, 400, 40, 8, "soft"),
        "mr-brain": _centred(_window(brain, 1000, 540), 25, 0.10),
        "ct-head": _centred(_window(skull, 90, 1024 + 36), 25, 0.10),
    }


def write(folder: Path = FOLDER) -> list[Path]:
    """Write the pictures as WebP of at most 40 KB each."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, picture in portraits().items():
        for quality in range(80, 20, -6):
            buffer = io.BytesIO()
            picture.save(buffer, "WEBP", quality=quality, method=6)
            if buffer.tell() <= LARGEST:
                break
        path = folder / f"{name}.webp"
        path.write_bytes(buffer.getvalue())
        written.append(path)
    return written


if __name__ == "__main__":
    for file in write():
        print(file.name, file.stat().st_size)
