"""Painting one slice from signed distances (mm, negative inside), with edges softened over one pixel."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]  # float32 wherever it is large
Point = tuple[float, float, float]


def f32(values: npt.ArrayLike) -> Array:
    return np.asarray(values, dtype=np.float32)


@cache
def spread(cells: int, samples: int) -> Array:
    """Weights (samples × cells) of a cubic B-spline that spreads a periodic row of cells over the samples."""
    at = np.arange(samples) * cells / samples
    base, t = np.floor(at).astype(int), at % 1
    weights = np.zeros((samples, cells))
    cubes = ((1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3)
    for shift, weight in zip((-1, 0, 1, 2), cubes, strict=True):
        weights[np.arange(samples), (base + shift) % cells] += weight / 6
    return f32(weights)


class Cloud:
    """A smooth random field of unit variance, periodic over a cube; `grain` is its wavelength in cells."""

    def __init__(self, seed: int, cells: int = 48, grain: float = 5.0, narrow: float = 0.5) -> None:
        random = np.random.default_rng(seed)
        wave = np.fft.fftfreq(cells)
        radius = np.sqrt(
            wave[:, None, None] ** 2 + wave[None, :, None] ** 2 + wave[None, None, : cells // 2 + 1] ** 2
        )
        ring = np.exp(-(((radius * grain - 1) / narrow) ** 2))
        white = np.fft.rfftn(random.standard_normal((cells,) * 3))
        field = np.fft.irfftn(white * ring, s=(cells,) * 3, axes=(0, 1, 2))
        self.cells = f32(field / field.std())

    def plane(self, level: float, rows: int, columns: int) -> Array:
        """The field over one plane; `level` counts cells, the plane spans the whole period."""
        n = len(self.cells)
        low = int(np.floor(level))
        t = level - low
        two = (1 - t) * self.cells[low % n] + t * self.cells[(low + 1) % n]
        return spread(n, rows) @ f32(two) @ spread(n, columns).T

    def over(self, x: Array, y: Array, z: Array, cell: float) -> Array:
        """The field over a plane along two axes: x, y, z as a row, a column and a single value, in any order."""
        n = len(self.cells)
        field = self.cells
        for axis, values in sorted(
            enumerate((x, y, z)), key=lambda pair: pair[1].size
        ):  # the short one first: cheap
            at = values.ravel() / cell
            low = np.floor(at).astype(int)
            weights: Array = np.zeros((len(at), n), np.float32)
            weights[np.arange(len(at)), low % n] = 1 - (at - low)
            weights[np.arange(len(at)), (low + 1) % n] += at - low
            field = np.moveaxis(np.tensordot(weights, field, axes=(1, axis)), 0, axis)
        plane = field.squeeze()
        columns = next(axis for axis, values in enumerate((x, y, z)) if values.shape[1] > 1)
        rows = next(axis for axis, values in enumerate((x, y, z)) if values.shape[0] > 1)
        return f32(plane.T if rows > columns else plane)

    def at(self, x: Array, y: Array, z: Array, cell: float) -> Array:
        """The field at any points in mm, linear between cells of `cell` mm."""
        n = len(self.cells)
        out: Array = np.zeros(np.broadcast_shapes(x.shape, y.shape, z.shape), np.float32)
        low, part = [], []
        for axis in (x, y, z):
            scaled = axis / cell
            floor = np.floor(scaled)
            low.append(floor.astype(np.int32))
            part.append(f32(scaled - floor))
        for i in (0, 1):
            for j in (0, 1):
                for k in (0, 1):
                    weight = f32(1.0)
                    for bit, t in zip((i, j, k), part, strict=True):
                        weight = weight * (t if bit else 1 - t)
                    out += weight * self.cells[(low[0] + i) % n, (low[1] + j) % n, (low[2] + k) % n]
        return out


@dataclass(frozen=True, slots=True)
class Tubes:
    """Short straight tubes: ends (n × 3) and radii (n), mm. `squash` < 1 makes them taller along z than wide."""

    start: Array
    end: Array
    radius: Array
    squash: float = 1.0

    @classmethod
    def along(
        cls,
        points: Sequence[Sequence[float]] | Array,
        radius: float | Sequence[float],
        step: float = 7.0,
        squash: float = 1.0,
    ) -> "Tubes":
        """A bent tube through `points`, cut into pieces of at most `step` mm."""
        path = np.asarray(points, float)
        radii = np.broadcast_to(np.asarray(radius, float), len(path))
        length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
        at = np.linspace(0, length[-1], max(2, int(np.ceil(length[-1] / step)) + 1))
        fine = np.stack([np.interp(at, length, path[:, axis]) for axis in range(3)], axis=1)
        width = np.interp(at, length, radii)
        return cls(f32(fine[:-1]), f32(fine[1:]), f32((width[:-1] + width[1:]) / 2), squash)

    @classmethod
    def join(cls, parts: Sequence["Tubes"]) -> "Tubes":
        return cls(
            np.concatenate([p.start for p in parts]),
            np.concatenate([p.end for p in parts]),
            np.concatenate([p.radius for p in parts]),
            parts[0].squash,
        )

    def grown(self, by: float) -> "Tubes":
        return Tubes(self.start, self.end, np.maximum(self.radius + by, 0.05), self.squash)


class Canvas:
    """One axial slice at `z`: `value` over a grid of pixel centres (mm)."""

    def __init__(self, x: Array, y: Array, z: float, background: float) -> None:
        self.x, self.y, self.z = x[None, :], y[:, None], z
        self.dx, self.dy = float(x[1] - x[0]), float(y[1] - y[0])
        self.soft = max(self.dx, min(self.dy, 2.5)) * 1.15
        self.value: Array = np.full((len(y), len(x)), background, np.float32)

    def part(self, x0: float, x1: float, y0: float, y1: float) -> "tuple[Canvas, tuple[slice, slice]]":
        """A window onto this canvas (mm) that paints into it, and where it lies."""
        rows, columns = box = self.box(x0, x1, y0, y1)
        view = object.__new__(Canvas)
        view.x, view.y, view.z = self.x[:, columns], self.y[rows], self.z
        view.dx, view.dy, view.soft = self.dx, self.dy, self.soft
        view.value = self.value[box]
        return view, box

    def cover(self, distance: Array, soft: float | None = None) -> Array:
        """Share of each pixel that lies inside."""
        share: Array = np.clip(np.float32(0.5) - distance * np.float32(1 / (soft or self.soft)), 0, 1)
        return share

    def fill(self, share: Array, value: float | Array) -> None:
        self.value += share * (value - self.value)

    def box(self, x0: float, x1: float, y0: float, y1: float) -> tuple[slice, slice]:
        def cut(low: float, high: float, first: float, step: float, count: int) -> slice:
            return slice(
                max(0, int((low - first) / step)), min(count, max(0, int((high - first) / step) + 2))
            )

        rows, columns = self.value.shape
        return (
            cut(y0, y1, float(self.y[0, 0]), self.dy, rows),
            cut(x0, x1, float(self.x[0, 0]), self.dx, columns),
        )

    def ellipsoid(
        self,
        center: Point,
        axes: Point,
        value: float | Array,
        turn: float = 0.0,
        mask: Array | None = None,
        tilt: float = 0.0,
        boxy: bool = False,
    ) -> None:
        """Fill an ellipsoid; `turn` degrees about z, `tilt` of its first axis downwards; only inside `mask` (shares)."""
        blob = Blob(center, axes, turn, tilt, boxy)
        reach = max(axes)
        if abs(self.z - center[2]) > reach:
            return
        rows, columns = self.box(center[0] - reach, center[0] + reach, center[1] - reach, center[1] + reach)
        share = self.cover(blob.distance(self.x[:, columns], self.y[rows], self.z))
        if mask is not None:
            share = share * mask[rows, columns]
        part = self.value[rows, columns]
        part += share * ((value if isinstance(value, float | int) else value[rows, columns]) - part)

    def stamp(self, tubes: Tubes, soft: float | None = None) -> Array:
        """Shares covered by the tubes that cross this slice; all at once, in small square patches."""
        share: Array = np.zeros_like(self.value)
        hit = self._crossing(tubes)
        if len(hit):
            order = hit[np.argsort(tubes.radius[hit])]
            for group in np.array_split(order, 1 + (len(hit) > 24) + 2 * (len(hit) > 96)):
                self._stamp(
                    share,
                    tubes.start[group],
                    tubes.end[group],
                    tubes.radius[group],
                    tubes.squash,
                    soft or self.soft,
                )
        return share

    def tube(self, tubes: Tubes, value: float | Array, mask: Array | None = None) -> None:
        """Fill a single bent tube; only inside `mask` (shares)."""
        hit = self._crossing(tubes)
        if not len(hit):
            return
        ends = np.concatenate([tubes.start[hit], tubes.end[hit]])
        edge = float(tubes.radius[hit].max()) + 2 * self.soft
        low, high = ends.min(axis=0) - edge, ends.max(axis=0) + edge
        rows, columns = self.box(low[0], high[0], low[1], high[1])
        part = self.value[rows, columns]
        if not part.size:
            return
        share = np.zeros_like(part)
        corner = (float(self.x[0, columns.start]), float(self.y[rows.start, 0]))
        self._stamp(
            share, tubes.start[hit], tubes.end[hit], tubes.radius[hit], tubes.squash, self.soft, corner
        )
        if mask is not None:
            share *= mask[rows, columns]
        part += share * ((value if isinstance(value, float | int) else value[rows, columns]) - part)

    def _crossing(self, tubes: Tubes) -> npt.NDArray[np.intp]:
        reach = tubes.radius / tubes.squash + self.soft
        low = np.minimum(tubes.start[:, 2], tubes.end[:, 2]) - reach
        high = np.maximum(tubes.start[:, 2], tubes.end[:, 2]) + reach
        return np.flatnonzero((low < self.z) & (high > self.z))

    def _stamp(
        self,
        share: Array,
        start: Array,
        end: Array,
        radius: Array,
        k: float,
        soft: float,
        corner: tuple[float, float] | None = None,
    ) -> None:
        left, top = corner or (float(self.x[0, 0]), float(self.y[0, 0]))
        axis = end - start
        middle = (start + end) / 2
        half = np.abs(axis) / 2 + radius[:, None] + soft
        height = 2 * int(np.ceil(float(half[:, 1].max()) / self.dy)) + 1
        width = 2 * int(np.ceil(float(half[:, 0].max()) / self.dx)) + 1
        row = np.rint((middle[:, 1] - top) / self.dy).astype(int)[:, None] + np.arange(height) - height // 2
        column = np.rint((middle[:, 0] - left) / self.dx).astype(int)[:, None] + np.arange(width) - width // 2
        x = (f32(column) * self.dx + left - start[:, :1])[:, None, :]
        y = (f32(row) * self.dy + top - start[:, 1:2])[:, :, None]
        up = (self.z - start[:, 2])[:, None, None] * k
        ax, ay, az = (axis[:, i, None, None] * (k if i == 2 else 1) for i in range(3))
        t = np.clip((x * ax + y * ay + up * az) / (ax * ax + ay * ay + az * az + 1e-6), 0, 1)
        gap = np.sqrt((x - t * ax) ** 2 + (y - t * ay) ** 2 + (up - t * az) ** 2) - radius[:, None, None]
        # a tube thinner than a pixel still shows, fainter: what partial volume does
        inside = f32(np.clip(0.5 - gap / soft, 0, 1)) * np.minimum(1, 2 * radius / soft)[:, None, None]
        rows, columns = share.shape
        good = (
            ((row >= 0) & (row < rows))[:, :, None]
            & ((column >= 0) & (column < columns))[:, None, :]
            & (inside > 0)
        )
        flat = (row[:, :, None] * columns + column[:, None, :])[good]
        np.maximum.at(share.reshape(-1), flat, inside[good])


@dataclass(frozen=True, slots=True)
class Blob:
    """An ellipsoid turned about z, then tilted: its first axis points down by `tilt` degrees; `boxy`: fuller."""

    center: Point
    axes: Point
    turn: float = 0.0
    tilt: float = 0.0
    boxy: bool = False

    def distance(self, x: Array, y: Array, z: float | Array) -> Array:
        px, py, pz = x - self.center[0], y - self.center[1], z - self.center[2]
        if self.turn:
            c, s = (float(f(np.deg2rad(self.turn))) for f in (np.cos, np.sin))
            px, py = px * c + py * s, py * c - px * s
        if self.tilt:
            c, s = (float(f(np.deg2rad(self.tilt))) for f in (np.cos, np.sin))
            px, pz = px * c - pz * s, px * s + pz * c
        u, v, w = (px / self.axes[0]) ** 2, (py / self.axes[1]) ** 2, (pz / self.axes[2]) ** 2
        level = np.sqrt(u + v + w)
        if self.boxy:
            level = 0.5 * (level + np.sqrt(np.sqrt(u * u + v * v + w * w)))
        return f32((level - 1) * min(self.axes))


def blend(one: Array, other: Array, over: float) -> Array:
    """Union of two distances whose seam is rounded over `over` mm."""
    h = np.clip(over - np.abs(one - other), 0, None)
    return f32(np.minimum(one, other) - h * h * (0.25 / over))
