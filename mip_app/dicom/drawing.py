"""One frame as a picture: greys by window or table, colours by palette, the part and size that were asked for.

Runs in the child process of pixels.py.
"""

import io
import math
from typing import Any, cast

import numpy as np
from PIL import Image, ImageCms
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.pixels import apply_color_lut, apply_modality_lut
from pydicom.pixels.processing import apply_voi

from mip_app.dicom.decoding import Array, NotDrawn, Source, samples
from mip_app.dicom.dicomjson import swapped
from mip_app.dicom.pixels import Picture


def render(source: Source, frame: int, asked: Picture) -> bytes:
    array, _ = samples(source, frame, raw=False)
    header = source.header
    looks = _looks(source.dataset, frame)
    if header.photometric == "PALETTE COLOR":
        picture = Image.fromarray(_palette(array, looks))
    elif header.samples_per_pixel >= 3:
        picture = Image.fromarray(_eight_bits(array[..., :3], header.bits_stored or header.bits_allocated))
    else:
        picture = Image.fromarray(_grey(array, looks, asked, header.photometric))
    picture = _region(picture, _share(picture, asked.share) or asked.region)
    if asked.size:
        picture.thumbnail((asked.size, asked.size), Image.Resampling.LANCZOS)
    elif asked.viewport:
        picture = _fitted(picture, asked.viewport)
    profile, picture = _profiled(picture, source.dataset, asked.profile)
    return _written(picture, asked, profile)


def _share(picture: Image.Image, edges: tuple[float, ...]) -> tuple[float, ...]:
    if not edges:
        return ()
    x, y = round(edges[0] * picture.width), round(edges[1] * picture.height)
    right, bottom = round(edges[2] * picture.width), round(edges[3] * picture.height)
    return x, y, max(right - x, 1), max(bottom - y, 1)


def _region(picture: Image.Image, region: tuple[float, ...]) -> Image.Image:
    """The part from (x, y) on, mirrored where a side is negative (PS3.18 8.3.5.1.4). Raises NotDrawn (region)."""
    if not region:
        return picture
    x, y, width, height = region
    width = picture.width - x if math.isinf(width) else width
    height = picture.height - y if math.isinf(height) else height
    box = (x, y, x + abs(width), y + abs(height))
    inside = 0 <= box[0] < box[2] <= picture.width and 0 <= box[1] < box[3] <= picture.height
    whole = tuple(round(edge) for edge in box)
    if not inside or whole[0] == whole[2] or whole[1] == whole[3]:
        raise NotDrawn("region")
    picture = picture.crop((whole[0], whole[1], whole[2], whole[3]))
    if width < 0:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return picture.transpose(Image.Transpose.FLIP_TOP_BOTTOM) if height < 0 else picture


def _fitted(picture: Image.Image, viewport: tuple[int, int]) -> Image.Image:
    """As large as the viewport allows, undistorted."""
    scale = min(viewport[0] / picture.width, viewport[1] / picture.height)
    size = max(round(picture.width * scale), 1), max(round(picture.height * scale), 1)
    return picture if size == picture.size else picture.resize(size, Image.Resampling.LANCZOS)


def _profiled(picture: Image.Image, dataset: Dataset, asked: str) -> tuple[bytes, Image.Image]:
    """The ICC profile to write, and the picture in it. Greys have none."""
    if picture.mode != "RGB" or asked in ("", "no"):
        return b"", picture
    standard = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    paths = dataset.get("OpticalPathSequence") or [Dataset()]
    own = dataset.get("ICCProfile") or paths[0].get("ICCProfile") or b""
    try:
        theirs = ImageCms.ImageCmsProfile(io.BytesIO(own)) if own else standard
        if asked == "yes":
            return (own or standard.tobytes()), picture
        changed = ImageCms.profileToProfile(picture, theirs, standard) if own else picture
    except (ImageCms.PyCMSError, OSError, ValueError):  # no profile at all: what a sender wrote there
        changed = picture
    return standard.tobytes(), cast(Image.Image, changed)


def _written(picture: Image.Image, asked: Picture, profile: bytes) -> bytes:
    made = io.BytesIO()
    more: dict[str, Any] = {"icc_profile": profile} if profile else {}
    match asked.form:
        case "image/png":
            picture.save(made, "PNG", compress_level=3, **more)
        case "image/gif":
            picture.save(made, "GIF")
        case "image/jp2":
            picture.save(made, "JPEG2000")
        case _:
            picture.save(made, "JPEG", quality=asked.quality or (85 if asked.size else 92), **more)
    return made.getvalue()


def _looks(whole: Dataset, frame: int) -> Dataset:
    """How pixels become greys or colours, the frame's own of the functional groups (PS3.3 C.7.6.16) on top."""
    dataset = whole.group_dataset(0x0028)
    for keyword in ("SOPClassUID", "Modality"):
        if keyword in whole:
            setattr(dataset, keyword, whole.get(keyword))
    shared = (whole.get("SharedFunctionalGroupsSequence") or [])[:1]
    own = (whole.get("PerFrameFunctionalGroupsSequence") or [])[frame - 1 : frame]
    for group in (*shared, *own):
        for name in ("FrameVOILUTSequence", "PixelValueTransformationSequence"):
            for item in list(group.get(name) or [])[:1]:
                for element in item:
                    dataset[element.tag] = element
    return dataset


def _grey(array: Array, dataset: Dataset, asked: Picture, photometric: str) -> Array:
    """8 bits. Each value that there can be is looked up once, where there are fewer of them than pixels."""
    if np.issubdtype(array.dtype, np.integer) and array.dtype.itemsize <= 2:
        low, high = int(array.min()), int(array.max())
        if 2 * (high - low + 1) < array.size:
            every = np.arange(low, high + 1, dtype=np.int32).astype(array.dtype)
            greys = _greys(every, dataset, asked, photometric)
            return cast(Array, greys[np.subtract(array, low, dtype=np.int32)])
    return _greys(array, dataset, asked, photometric)


def _greys(array: Array, dataset: Dataset, asked: Picture, photometric: str) -> Array:
    """8 bits by the asked window, else the file's VOI LUT or window, else from the darkest to the brightest."""
    values = _or_same(apply_modality_lut, array, dataset)
    window = _asked_window(asked)
    table = None if window else _voi_table(values, dataset)
    if table is not None:
        share = table
    else:
        values = _real(values)
        center, width = window or _window(dataset) or (0.0, 0.0)
        if width <= 0:
            low, high = float(values.min()), float(values.max())
            center, width = (low + high) / 2, high - low
        if (asked.function if window else dataset.get("VOILUTFunction")) == "SIGMOID":
            share = 1 / (1 + np.exp(np.clip(-4 * (values - center) / max(width, 1e-9), -60, 60)))
        else:
            share = (values - center) / max(width, 1e-9) + 0.5
    grey = (np.clip(share, 0, 1) * 255 + 0.5).astype(np.uint8)
    return cast(Array, 255 - grey if photometric == "MONOCHROME1" else grey)


def _real(values: Array) -> Array:
    """Whole numbers of 16 bits are exact in single precision, which takes half the time."""
    if np.issubdtype(values.dtype, np.integer) and values.dtype.itemsize <= 2:
        return values.astype(np.float32)
    return cast(Array, np.nan_to_num(values.astype(np.float64)))


def _window(dataset: Dataset) -> tuple[float, float] | None:
    """Center and width of the first window, as the linear formula of PS3.3 C.11.2.1.2.1 needs them."""
    try:
        center, width = (
            float(value[0] if isinstance(value, MultiValue) else value)
            for value in (dataset.WindowCenter, dataset.WindowWidth)
        )
    except (AttributeError, TypeError, ValueError, IndexError):
        return None
    if not (np.isfinite(center) and np.isfinite(width)) or width <= 0:
        return None
    return _centered(center, width, dataset.get("VOILUTFunction"))


def _asked_window(asked: Picture) -> tuple[float, float] | None:
    return _centered(*asked.window, asked.function) if asked.window else None


def _centered(center: float, width: float, function: str | None) -> tuple[float, float]:
    exact = function in ("LINEAR_EXACT", "SIGMOID")
    return (center, width) if exact or width <= 1 else (center - 0.5, width - 1)


def _voi_table(values: Array, dataset: Dataset) -> Array | None:
    """Between 0 and 1 by the VOI LUT (PS3.3 C.11.2.1.1), None without a usable one."""
    if not dataset.get("VOILUTSequence") or not np.issubdtype(values.dtype, np.integer):
        return None
    shown = _or_same(apply_voi, values, dataset)
    if shown is values:
        return None
    bits = int(dataset.VOILUTSequence[0].LUTDescriptor[2])
    return cast(Array, shown.astype(np.float64) / (2**bits - 1))


def _or_same(function: Any, array: Array, dataset: Dataset) -> Array:
    """A window of width 0 or a slope that is no number must not hide the image."""
    try:
        with np.errstate(all="ignore"):
            return cast(Array, function(array, dataset))
    except (ValueError, TypeError, AttributeError, NotImplementedError, KeyError, IndexError, OverflowError):
        return array


def _palette(array: Array, dataset: Dataset) -> Array:
    """Raises NotDrawn (palette) when a table is missing or shorter than it says (PS3.3 C.7.6.3.1.6)."""
    if "RedPaletteColorLookupTableData" in dataset:
        for colour in ("Red", "Green", "Blue"):
            told = dataset.get(f"{colour}PaletteColorLookupTableDescriptor")
            table = dataset.get(f"{colour}PaletteColorLookupTableData") or b""
            if not told or len(told) != 3 or len(table) < (told[0] or 65536) * (1 if told[2] <= 8 else 2):
                raise NotDrawn("palette")
            if dataset.original_encoding[1] is False and len(table) == 2 * (told[0] or 65536):
                dataset[f"{colour}PaletteColorLookupTableData"].value = swapped(
                    table, 2
                )  # pydicom leaves them
    elif "SegmentedRedPaletteColorLookupTableData" not in dataset:
        raise NotDrawn("palette")
    try:
        coloured = apply_color_lut(array, dataset)
    except (ValueError, IndexError, AttributeError, TypeError, KeyError) as error:
        raise NotDrawn("palette") from error
    deep = coloured.dtype.itemsize * 8
    if deep == 16 and dataset.RedPaletteColorLookupTableDescriptor[2] == 8:
        return cast(Array, coloured[..., :3].astype(np.uint8))
    return _eight_bits(coloured[..., :3], deep)


def _eight_bits(array: Array, bits: int) -> Array:
    return cast(Array, (array >> max(bits - 8, 0)).clip(0, 255).astype(np.uint8))
