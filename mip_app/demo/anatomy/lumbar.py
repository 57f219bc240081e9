"""A lumbar spine cut sagittally, as a T2 or T1 weighted MR shows it; the lowest two discs are worn."""

from typing import Protocol

import numpy as np

from mip_app.demo.anatomy.canvas import Array, Cloud, f32

# air, fat, muscle, marrow, cortex, healthy disc, worn disc, fluid, cord and roots, vessel
T2 = (6.0, 620.0, 150.0, 330.0, 35.0, 560.0, 130.0, 980.0, 330.0, 20.0)
T1 = (6.0, 900.0, 300.0, 480.0, 40.0, 330.0, 240.0, 150.0, 360.0, 30.0)

TOP, PITCH = 118.0, 36.0  # mm: upper edge of T12, one level
WORN = (4, 5)  # L4/5 and L5/S1, counted from T12/L1


class Fill(Protocol):
    def __call__(self, distance: Array, value: float | Array, share: float | Array = 1.0) -> None: ...


class Lumbar:
    """Origin in the middle of L3; x to the left, y to the back, z up."""

    def __init__(self, seed: int) -> None:
        self.grain = Cloud(seed + 21, 48, 4.5)
        self.seed = seed

    def cut(self, x: float, y: Array, z: Array, table: tuple[float, ...], soft: float) -> Array:
        """Values over columns y and rows z (mm) at distance x from the midline."""
        air, fat, muscle, marrow, cortex, disc, worn, fluid, roots, vessel = table
        yy, zz = y[None, :], z[:, None]
        grain = self.grain.over(f32([[x]]), f32(yy), f32(zz), 3.2)
        coarse = self.grain.over(f32([[x + 60]]), f32(yy), f32(zz), 9.0)
        bend = self._bend(zz)
        front = yy - bend  # 0: middle of the bodies
        picture = np.full(front.shape, air, np.float32)

        def fill(distance: Array, value: float | Array, share: float | Array = 1.0) -> None:
            nonlocal picture
            picture = picture + np.clip(0.5 - distance / soft, 0, 1) * share * (value - picture)

        back = yy - 92 - 4 * np.cos(zz / 60)
        fill(np.maximum(back, -112 - yy + 6 * np.cos(zz / 45)), muscle)
        fill(back, fat * (1 + 0.04 * grain))
        fill(np.maximum(back + 22 - 6 * np.cos((zz + 60) / 60), 27 - front), muscle * (1 + 0.15 * grain))
        fill(np.maximum(back + 20, 27 - front), fat, np.clip(0.28 * coarse + 0.1 - 0.002 * zz, 0, 0.8))
        fill(np.maximum(front + 24, -115 - yy), muscle * 1.2 + 90 * coarse)
        fill(np.maximum(front + 24, -115 - yy), fat * 0.8, np.clip(0.5 * grain + 0.35, 0, 0.9))
        if -16 < x < 18:
            fill(np.abs(front + 32) - np.sqrt(max(0.0, 64 - (x - 4) ** 2)), vessel)
        self._canal(fill, x, front, zz, grain, fat, fluid, roots)
        self._column(fill, x, front, zz, grain, (marrow, cortex, disc, worn))
        self._arch(fill, x, front, zz, (marrow, cortex, fat, muscle, roots))
        coil = 0.16 + 0.84 / (1 + np.exp(-(front + 26) / 9))  # surface coil behind, saturation band in front
        return f32(picture * coil)

    def _bend(self, z: Array) -> Array:
        lordosis = 18 * np.cos(np.pi * np.clip((z - 5) / 150, -1, 1)) * -1
        return f32(lordosis + np.clip(-92 - z, 0, None) * 0.75)

    def _canal(
        self,
        fill: Fill,
        x: float,
        front: Array,
        z: Array,
        grain: Array,
        fat: float,
        fluid: float,
        roots: float,
    ) -> None:
        half = np.sqrt(max(0.0, 1 - (x / 11.5) ** 2))
        if not half:
            return
        middle = front - 27
        fill(np.abs(middle) - 9.5 * half, fat)
        bulge = sum(3.2 * np.exp(-(((z - TOP + PITCH * (k + 1)) / 6) ** 2)) for k in WORN)
        sac = np.maximum(np.abs(middle - bulge / 2) - (7.6 * half - bulge / 2), -118 - z)
        fill(sac, fluid)
        cord = np.abs(middle + 0.5) - 3.6 * np.clip((z - 62) / 26, 0, 1)
        if abs(x) < 6:
            fill(np.where(z > 62, cord, 9.0), roots)
        strands = np.clip(np.cos((middle + 0.02 * z) * 2.6 + 2 * grain) - 0.35, 0, 1) * np.clip(
            (78 - z) / 30, 0, 1
        )
        fill(sac + 0.8, roots, f32(0.75 * strands * np.clip((middle + 5) / 3, 0.25, 1)))

    def _column(
        self, fill: Fill, x: float, front: Array, z: Array, grain: Array, values: tuple[float, ...]
    ) -> None:
        marrow, cortex, disc, worn = values
        half = np.sqrt(max(0.0, 1 - (x / 25.0) ** 2))
        if half < 0.25:
            return
        for k in range(7):  # T12, L1 … L5, S1
            middle = TOP - PITCH * k - 14
            lean = 0.0 if k < 5 else (-0.22 if k == 5 else -0.62)
            u = (front * np.cos(lean) - (z - middle) * np.sin(lean)) * 1.0
            w = z * np.cos(lean) - middle * np.cos(lean) + front * np.sin(lean)
            deep = 17.0 * half * (1 - 0.09 * (1 - (w / 15) ** 2))
            body = np.maximum(np.abs(u) - deep, np.abs(w) - 12.4 - 1.6 * np.minimum((u / 17) ** 2, 2))
            fill(f32(body), cortex)
            fill(f32(body + 1.2), marrow * (1 + 0.06 * grain))
            if k < 6:
                gap = middle - PITCH / 2
                tired = k in WORN
                tall = 2.9 if tired else 5.0
                slope = 0.0 if k < 4 else (-0.1 if k == 4 else -0.42)
                h = z - gap + slope * front
                edge = np.maximum(
                    np.abs(front - (1.6 if tired else 0)) - 17.5 * half - (1.6 if tired else 0),
                    np.abs(h) - tall,
                )
                fill(f32(edge), worn * (0.75 if not tired else 1))
                fill(f32(edge + 2.0), worn if tired else disc * (1 - 0.25 * np.exp(-((h / 0.8) ** 2))))

    def _arch(self, fill: Fill, x: float, front: Array, z: Array, values: tuple[float, ...]) -> None:
        marrow, cortex, fat, muscle, roots = values
        for k in range(6):
            middle = TOP - PITCH * k - 14
            if abs(x) < 4.5:  # spinous processes between their ligaments
                u, w = front - 50 - 1.5, z - middle + 11 + 0.32 * (front - 40)
                process = np.maximum(np.abs(u) - 15, np.abs(w) - 8.5 - 0.1 * np.clip(u, -18, 18))
                fill(f32(process), cortex)
                fill(f32(process + 1.3), marrow * 1.05)
            elif 9 < abs(x) < 20:  # pedicle, facets, and the root in its fat between them
                hole = np.sqrt(((front - 23) / 6.5) ** 2 + ((z - middle + 18) / 10.5) ** 2) - 1
                fill(f32(hole * 6.5), fat)
                fill(f32(np.hypot(front - 22, z - middle + 12) - 2.8), roots)
                pedicle = np.maximum(np.abs(front - 22) - 9, np.abs(z - middle - 4) - 6.5)
                joint = np.maximum(np.abs(front - 36 - 0.3 * (z - middle)) - 6, np.abs(z - middle + 8) - 19)
                for part in (pedicle, joint):
                    fill(f32(part), cortex)
                    fill(f32(part + 1.4), marrow)
