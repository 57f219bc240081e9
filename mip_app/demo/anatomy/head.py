"""A head as tissues in space, cut by any plane along two axes; CT and MR differ only in a table of values."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mip_app.demo.anatomy.canvas import Array, Blob, Cloud, Point, blend, f32

# Values per tissue: HU, and arbitrary MR units
CT = {
    "air": -1000, "skin": 25, "fat": -88, "muscle": 52, "bone": 1080, "diploe": 520, "csf": 6, "gray": 38, "white": 28,
    "deep": 38, "iron": 42, "eye": 8, "lens": 75, "mucosa": 38, "dura": 58, "vessel": 44, "lesion": 20, "blood": 68, "edema": 14,
}  # fmt: skip
T2 = {
    "air": 8, "skin": 260, "fat": 610, "muscle": 170, "bone": 22, "diploe": 300, "csf": 1000, "gray": 485, "white": 325,
    "deep": 395, "iron": 265, "eye": 960, "lens": 130, "mucosa": 720, "dura": 90, "vessel": 20, "lesion": 700, "blood": 240, "edema": 760,
}  # fmt: skip
T1 = {
    "air": 8, "skin": 330, "fat": 960, "muscle": 350, "bone": 25, "diploe": 640, "csf": 115, "gray": 400, "white": 590,
    "deep": 450, "iron": 520, "eye": 140, "lens": 330, "mucosa": 300, "dura": 210, "vessel": 60, "lesion": 330, "blood": 520, "edema": 330,
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """What this head has: `age` 0 … 1 widens the fluid spaces."""

    seed: int = 1
    age: float = 0.3
    lesions: int = 0  # small spots in the white matter
    bleeding: bool = False  # in the left basal ganglia


class Cut:
    """One plane being painted; x, y, z broadcast against each other."""

    def __init__(self, x: Array, y: Array, z: Array, table: dict[str, int], soft: float) -> None:
        self.axes, self.table, self.soft = (x, y, z), table, soft
        self.shape = np.broadcast_shapes(x.shape, y.shape, z.shape)
        self.value: Array = np.full(self.shape, table["air"], np.float32)

    def fill(self, distance: Array, tissue: str, share: float | Array = 1.0) -> None:
        self.value += f32(np.clip(0.5 - distance / self.soft, 0, 1) * share) * (
            self.table[tissue] - self.value
        )

    def within(self, low: Point, high: Point) -> "tuple[Cut | None, tuple[slice, slice]]":
        """The part of this plane inside a box, painting into it; None where the plane misses the box."""
        found = self._crop(low, high)
        if found is None:
            return None, (slice(0), slice(0))
        part = object.__new__(Cut)
        part.axes, part.table, part.soft, part.value = found[1], self.table, self.soft, self.value[found[0]]
        part.shape = part.value.shape
        return part, found[0]

    def _crop(self, low: Point, high: Point) -> tuple[tuple[slice, slice], tuple[Array, Array, Array]] | None:
        where = [slice(0, self.shape[0]), slice(0, self.shape[1])]
        for axis, a, b in zip(self.axes, low, high, strict=True):
            inside = np.flatnonzero((axis.ravel() > a) & (axis.ravel() < b))
            if not len(inside):
                return None
            for dimension in (0, 1):
                if axis.shape[dimension] > 1:
                    where[dimension] = slice(int(inside[0]), int(inside[-1]) + 1)
        cut = tuple(
            axis[
                where[0] if axis.shape[0] > 1 else slice(None), where[1] if axis.shape[1] > 1 else slice(None)
            ]
            for axis in self.axes
        )
        return (where[0], where[1]), (cut[0], cut[1], cut[2])

    def _part(self, where: tuple[slice, slice], distance: Array, tissue: str, mask: Array | None) -> None:
        part = self.value[where]
        share = f32(np.clip(0.5 - distance / self.soft, 0, 1))
        if mask is not None:
            share = share * mask[where]
        part += share * (self.table[tissue] - part)

    def blob(
        self,
        center: Point,
        axes: Point,
        tissue: str,
        turn: float = 0,
        tilt: float = 0,
        boxy: bool = False,
        mask: Array | None = None,
    ) -> None:
        reach = max(axes) + 1
        found = self._crop(tuple(c - reach for c in center), tuple(c + reach for c in center))  # type: ignore[arg-type]
        if found:
            self._part(found[0], Blob(center, axes, turn, tilt, boxy).distance(*found[1]), tissue, mask)

    def pair(
        self,
        center: Point,
        axes: Point,
        tissue: str,
        turn: float = 0,
        tilt: float = 0,
        boxy: bool = False,
        mask: Array | None = None,
    ) -> None:
        """The same on both sides."""
        for side in (1.0, -1.0):
            self.blob((side * center[0], center[1], center[2]), axes, tissue, side * turn, tilt, boxy, mask)

    def rod(
        self,
        points: Sequence[Point],
        radius: list[float] | float,
        tissue: str,
        mirror: bool = False,
        mask: Array | None = None,
    ) -> None:
        """A bent rod of changing radius."""
        radii = [radius] * len(points) if isinstance(radius, float | int) else radius
        for side in (1.0, -1.0) if mirror else (1.0,):
            for (p, q), (r, s) in zip(
                zip(points, points[1:], strict=False), zip(radii, radii[1:], strict=False), strict=True
            ):
                a, b = (side * p[0], p[1], p[2]), (side * q[0], q[1], q[2])
                edge = max(r, s) + 1.5
                low = tuple(min(i, j) - edge for i, j in zip(a, b, strict=True))
                high = tuple(max(i, j) + edge for i, j in zip(a, b, strict=True))
                found = self._crop(low, high)  # type: ignore[arg-type]
                if found:
                    (x, y, z), way = found[1], [j - i for i, j in zip(a, b, strict=True)]
                    t = ((x - a[0]) * way[0] + (y - a[1]) * way[1] + (z - a[2]) * way[2]) / (
                        sum(w * w for w in way) + 1e-6
                    )
                    t = np.clip(t, 0, 1)
                    gap = np.sqrt(
                        sum((axis - i - t * w) ** 2 for axis, i, w in zip((x, y, z), a, way, strict=True))
                    )
                    self._part(found[0], f32(gap - r - t * (s - r)), tissue, mask)


class Head:
    """Cuts of one head; origin in the middle of the cerebrum, 1 mm units."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.folds = Cloud(case.seed + 5, 64, 7.0, 0.28)
        self.grain = Cloud(case.seed + 6, 48, 4.0)
        random = np.random.default_rng(case.seed)
        count = case.lesions
        way = random.uniform(-1, 1, (count, 3))
        self.spots = [
            (
                (float(np.sign(w[0]) or 1) * (21 + 9 * abs(w[0])), float(34 * w[1]), float(22 + 8 * w[2])),
                float(1.5 + 1.3 * abs(w[2])),
            )
            for w in way
        ]

    def inner(self, x: Array, y: Array, z: Array) -> Array:
        """Distance to the inside of the skull."""
        bowl = Blob((0, 3, 8), (67, 85, 66), boxy=True).distance(x, y, z)
        bowl = bowl + 2.2 * np.cos(2.2 * np.arctan2(x, -y) + 0.3) * np.clip(1 - np.abs(z) / 70, 0, 1)
        base = np.interp(
            y.ravel(),
            [-95, -60, -46, -30, -8, 4, 14, 60, 80, 95],
            [-8, -7, -14, -27, -28, -32, -54, -54, -38, -20],
        ).reshape(y.shape)
        middle = 14 * np.exp(-((x / 13) ** 2)) * np.exp(-(((y + 26) / 14) ** 2))
        sides = 0.006 * x * x
        return f32(-blend(-bowl, f32((z - base - middle - sides) * 0.9), 9))

    def cut(self, x: Array, y: Array, z: Array, table: dict[str, int], soft: float) -> Array:
        """Values over the plane that x, y, z (broadcastable, two of them varying) span."""
        cut = Cut(x, y, z, table, soft)
        inner = self.inner(x, y, z)
        bowl = f32(Blob((0, 3, 8), (67, 85, 66), boxy=True).distance(x, y, z))
        self._outside(cut, inner, bowl)
        self._face(cut)
        self._skull(cut, inner)
        within, box = cut.within((-72, -90, -160), (72, 94, 80))
        if within is not None:
            self._brain(within, inner[box])
        self._ears(cut)
        return cut.value

    def _ears(self, cut: Cut) -> None:
        """The petrous bones between middle and hind fossa, and the mastoid's air cells."""
        x, y, z = cut.axes
        cut.rod([(60, 17, -30), (42, 9, -27), (16, -5, -24)], [15, 11, 6], "bone", True)
        if float(np.min(z)) < 0:
            cells = f32(np.clip(self.grain.over(x, y, z, 2.4) * 2.2 - 0.2, 0, 1))
            cut.pair((58, 24, -38), (11, 16, 17), "air", mask=cells)
        cut.rod([(50, 6, -33), (66, 4, -33), (74, 2, -34)], [2.4, 3, 3.6], "air", True)

    def _outside(self, cut: Cut, inner: Array, bowl: Array) -> None:
        x, y, z = cut.axes
        skin = f32(bowl - 13.5)
        skin = blend(skin, Blob((0, -42, -52), (60, 52, 66), boxy=True).distance(x, y, z), 26)
        skin = blend(skin, Blob((0, -66, -104), (34, 28, 24)).distance(x, y, z), 18)
        neck = f32(
            np.sqrt((x / 1.05) ** 2 + ((y - 18 - 0.1 * z) / 1.1) ** 2) - 54 + np.clip(z + 50, 0, None) * 0.9
        )
        skin = blend(skin, neck, 24)
        skin = blend(skin, Blob((0, -102, -44), (13, 17, 19), 0, 0).distance(x, y, z), 13)
        skin = blend(skin, Blob((0, -93, -76), (19, 10, 9)).distance(x, y, z), 7)
        cut.fill(skin, "skin")
        cut.fill(skin + 2.2, "fat")
        self.skin = skin
        deep = np.clip((-25 - z) / 15, 0, 1) * np.ones_like(skin)
        cut.fill(skin + 7, "muscle", f32(deep * (0.9 + 0.1 * np.clip(self.grain.over(x, y, z, 4.5), -1, 1))))
        cut.pair((67, -30, -6), (9, 30, 40), "muscle", mask=np.clip(0.5 - (skin + 4), 0, 1))

    def _face(self, cut: Cut) -> None:
        inside = f32(np.clip(0.5 - (self.skin + 3), 0, 1))
        cut.blob((0, -54, -40), (48, 34, 40), "fat", boxy=True, mask=f32(inside * 0.8))
        cut.rod([(62, -52, -34), (54, -74, -36), (34, -80, -34)], [3.5, 4, 4], "bone", True)
        cut.rod([(48, 8, -60), (50, -30, -104), (30, -72, -112), (0, -84, -114)], [6, 8, 8, 8], "bone", True)
        cut.rod(
            [(48, 8, -60), (50, -30, -104), (30, -72, -112), (0, -84, -114)], [3, 5, 5, 5], "diploe", True
        )
        cut.blob((0, -58, -98), (25, 34, 22), "muscle")
        for z in (-80.0, -91.0):  # teeth and palate
            cut.rod([(26, -48, z), (20, -70, z), (0, -80, z)], [4.5, 4.5, 4], "bone", True)
        cut.rod([(0, -76, -73), (0, -36, -72)], 2.2, "bone")
        cut.pair((29, -60, -52), (17, 19, 19), "bone", boxy=True)
        cut.pair((29, -60, -52), (15.4, 17.4, 17.4), "air", boxy=True)
        cut.blob((0, -62, -46), (12, 34, 24), "mucosa", boxy=True)
        for side in (5.5, -5.5):
            cut.blob((side, -62, -46), (2.2, 31, 21), "air", boxy=True)
        cut.blob((0, -58, -18), (14, 26, 13), "bone", boxy=True)
        for i in range(5):
            cut.pair((6, -78 + 10 * i, -18), (5.2, 4.4, 10), "air", boxy=True)
        cut.blob((0, -28, -24), (15, 13, 11), "bone", boxy=True)
        cut.pair((7, -28, -24), (6.2, 11, 9.4), "air", boxy=True)
        self._orbits(cut)
        cut.rod([(0, -30, -60), (0, -20, -90), (0, -18, -140)], [8, 7, 8], "mucosa")
        cut.rod([(0, -30, -58), (0, -20, -90), (0, -18, -140)], [6, 4.5, 6.5], "air")
        for k in range(4):  # the upper neck vertebrae
            level = -78.0 - 19 * k
            cut.blob((0, 4 + 0.12 * level + 10, level), (10, 9, 8.4), "bone", boxy=True)
            cut.blob((0, 4 + 0.12 * level + 10, level), (8.8, 7.8, 7.2), "diploe", boxy=True)
            cut.rod(
                [(0, 38 + 0.12 * level + 8, level - 2), (0, 56 + 0.12 * level + 8, level - 7)],
                [3.4, 4.4],
                "diploe",
            )

    def _orbits(self, cut: Cut) -> None:
        cut.pair((31, -56, -20), (20, 31, 20), "bone", 14, boxy=True)
        cut.pair((32, -58, -20), (18, 31, 18), "fat", 14, boxy=True)
        cut.rod([(18, -34, -20), (44, -62, -20), (45, -74, -20)], [2, 2.4, 1.2], "muscle", True)
        cut.rod([(18, -34, -20), (20, -60, -20), (23, -76, -20)], [2, 2.4, 1.2], "muscle", True)
        cut.rod([(18, -34, -20), (31, -60, -8), (33, -74, -10)], [2, 2.2, 1.2], "muscle", True)
        cut.rod([(18, -34, -20), (31, -60, -32), (33, -74, -31)], [2, 2.2, 1.2], "muscle", True)
        cut.rod([(16, -32, -19), (26, -52, -21), (32, -64, -20)], [2.2, 2.2, 2.2], "white", True)
        cut.pair((33, -74, -20), (12.6, 12.6, 12.6), "dura")
        cut.pair((33, -74, -20), (11.5, 11.5, 11.5), "eye")
        cut.pair((33, -82.5, -20), (4.6, 2.4, 4.6), "lens")

    def _skull(self, cut: Cut, inner: Array) -> None:
        x, y, z = cut.axes
        thick = (
            6.2
            + 0.35 * self.grain.over(x, y, z, 7.0)
            + 2.4 * np.exp(-(((np.abs(y - 3) - 82) / 14) ** 2)) * np.exp(-((x / 18) ** 2))
        )
        outside = np.maximum(inner - thick, Blob((0, 3, 6), (74.5, 93, 76), boxy=True).distance(x, y, z))
        cut.fill(f32(np.maximum(outside, -22 - z * 0.55 - 40)), "bone")
        cut.fill(f32(np.maximum(np.maximum(outside + 1.7, 1.6 - inner), 4 - np.abs(z + 200))), "diploe")
        cut.blob((0, -86, 4), (24, 6.5, 13), "bone", boxy=True)
        cut.pair((9, -86.5, 5), (9, 4.6, 10), "air", 8, boxy=True)
        cut.rod([(0, -14, -24), (0, 4, -50)], [6, 4.5], "bone")
        cut.rod([(0, -14, -24), (0, 4, -50)], [4.6, 3.2], "diploe")

    def _brain(self, cut: Cut, inner: Array) -> None:
        x, y, z = cut.axes
        age = self.case.age
        room = f32(np.clip(0.5 - inner / cut.soft, 0, 1))
        cut.fill(inner, "dura")
        cut.fill(inner + 0.9, "csf")
        hole = f32(np.sqrt(x * x + (y - 22) ** 2) - 13 + 0 * z)
        cut.fill(np.maximum(hole, f32(z + 48)), "csf")
        tent = f32(7 - 0.007 * x * x - 0.34 * np.clip(y - 16, 0, None))
        below = np.maximum(f32(z - tent), 11 - y)
        self._cerebrum(cut, f32(inner + 2.0 + 1.6 * age), below, age)
        self._deep(cut, room, age)
        self._hind(cut, inner, below)
        if self.case.bleeding:
            cut.blob((30, -2, 8), (19, 27, 19), "edema", 12, mask=room)
            cut.blob((29, -2, 8), (14, 22, 15), "blood", 12, mask=room)
            cut.blob((26, 12, 14), (8, 9, 8), "blood", mask=room)
        for center, radius in self.spots:
            cut.blob(center, (radius, radius * 1.2, radius), "lesion", 20)
        falx = np.maximum(np.abs(x) - 0.7, np.maximum(-(inner + 42 - 14 * (y > 20)), below * 1.0 - 99))
        cut.fill(f32(np.maximum(np.maximum(falx, inner), 12 - z - 0.2 * np.abs(y))), "dura", 0.7)

    def _cerebrum(self, cut: Cut, surface: Array, below: Array, age: float) -> None:
        x, y, z = cut.axes
        warp = 2.5 * self.grain.over(x, y, z, 6.0)
        fold = np.abs(self.folds.at(f32(x + warp), f32(y - warp), f32(z + 0.5 * warp), 2.9)) * 3.3
        side = np.abs(x)
        depth = np.minimum(-surface, np.where(z > 14 + 0.2 * np.abs(y), side - 1.5, 99.0))
        sulcus = fold - 0.2 - 0.75 * age + 0.55 * np.clip(depth - 12 - 2 * warp, 0, None)
        sylvian = np.abs(z + 3 - 0.55 * (y + 8) + 1.7 * warp) - 0.8 - age
        sylvian = np.maximum(np.maximum(sylvian, 38 - side), np.maximum(-34 - y, y - 22))
        cleft = np.maximum(side - 1.3 - 0.7 * age, 8 - z - 0.36 * np.abs(y + 6))
        cistern = np.sqrt((x / 1.3) ** 2 + (y + 10) ** 2 + (1.2 * (z + 20)) ** 2) - 15
        pia = np.maximum(surface, -below + 0.3)
        for gap in (sulcus, sylvian, cleft, cistern):
            pia = np.maximum(pia, -gap)
        brain = f32(pia)
        cut.fill(brain, "gray")
        cut.fill(f32(brain + 3.0), "white")
        cut.blob((0, -14, -21), (6, 5, 4), "gray")
        cut.pair((40.5, -4, 2), (3.6, 24, 15), "gray")  # the insula

    def _deep(self, cut: Cut, room: Array, age: float) -> None:
        wide = 1 + 0.5 * age
        cut.rod(
            [(0, -33, 6), (0, -29, 16), (0, -10, 24), (0, 14, 24), (0, 33, 17), (0, 35, 10)],
            [3.4, 3.6, 3, 3, 3.6, 4.6],
            "white",
        )
        cut.rod([(5, -30, 13), (6, -10, 21), (8, 14, 21), (9, 32, 14)], [4, 3.5, 3.5, 5], "white", True)
        cut.pair((24, 2, 1), (8.5, 21, 13), "deep", 10)
        cut.pair((18.5, 3, 1), (5, 12, 9), "iron", 12)
        cut.pair((14, -17, 9), (6, 11, 11), "deep", -12)
        cut.pair((15, -2, 19), (3.5, 18, 4), "deep", 14)
        cut.pair((10.5, 13, 7), (9, 15, 10), "deep", 24)
        horn = [
            (7, -31, 9),
            (9, -20, 15),
            (10.5, -4, 19),
            (13, 14, 20),
            (21, 34, 12),
            (22, 48, 7),
            (20, 58, 6),
        ]
        cut.rod(horn, [3.4 * wide, 5 * wide, 4.2 * wide, 4.4 * wide, 6.4 * wide, 4 * wide, 1.6], "csf", True)
        cut.rod(
            [(22, 36, 10), (30, 26, -4), (32, 6, -14), (30, -8, -16)],
            [5 * wide, 3.4 * wide, 2.4 * wide, 2.6 * wide],
            "csf",
            True,
        )
        cut.rod([(3, -27, 15), (3, -10, 19), (3, 8, 20)], [1.4, 1.2, 1.0], "csf", True)
        cut.rod([(0, -24, 12), (0, -6, 18), (0, 10, 19)], [0.9, 0.8, 0.8], "white")
        cut.blob((0, 4, 4), (2.0 * wide, 15, 10), "csf")
        cut.rod([(0, 16, 3), (0, 22, -6), (0, 27, -18)], [1.4, 1.2, 1.6], "csf")
        cut.pair((22, 37, 10), (2.2, 4.5, 3), "bone" if cut.table is CT else "iron", 20)
        cut.blob((0, 27, 5), (2.6, 3.6, 2.6), "bone" if cut.table is CT else "deep")
        cut.blob((0, 30, -2), (14, 7, 8), "csf")
        cut.pair((4.5, 27, -3), (4.2, 4.2, 5), "deep")

    def _hind(self, cut: Cut, inner: Array, below: Array) -> None:
        x, y, z = cut.axes
        lobes = blend(
            Blob((27, 46, -32), (33, 34, 31), boxy=True).distance(x, y, z),
            Blob((-27, 46, -32), (33, 34, 31), boxy=True).distance(x, y, z),
            10,
        )
        vermis = Blob((0, 43, -24), (13, 26, 30)).distance(x, y, z)
        lobes = blend(lobes, vermis, 6)
        cerebellum = np.maximum(np.maximum(lobes, inner + 2.4), f32(below + 0.6))
        # leaves: thin fissures along shells around the fourth ventricle
        shell = np.sqrt((0.55 * x) ** 2 + (y - 26) ** 2 + (1.25 * (z + 27)) ** 2) + 1.4 * self.grain.over(
            x, y, z, 3.0
        )
        leaf = 0.5 + 0.5 * np.cos(shell * (2 * np.pi / 4.3))
        core = np.clip((-cerebellum - 4.5 - 4 * leaf) / 3, 0, 1)
        cut.fill(f32(cerebellum), "gray")
        cut.fill(f32(cerebellum + 0.5), "white", f32(0.9 * core))
        cut.fill(f32(cerebellum + 0.2), "csf", f32(0.42 * np.clip(leaf - 0.62, 0, 1) * 2.4 * (1 - core)))
        cut.rod([(0, 6, -3), (0, 10, -12)], [9, 9.5], "white")
        cut.pair((9, 2, -4), (6.5, 8, 8), "white", 30)
        cut.rod([(0, 10, -10), (0, 9, -22), (0, 13, -34)], [10.5, 14, 11], "white")
        cut.rod([(0, 13, -34), (0, 18, -52), (0, 21, -70), (0, 17, -150)], [9, 6.6, 5.6, 5.2], "white")
        cut.pair((17, 18, -24), (12, 8, 7), "white", 30)
        cut.blob((0, 29, -27), (7, 4.6, 9), "csf")
        cut.rod([(0, 31, -38), (0, 28, -47)], [2.4, 3.2], "csf")
        cut.rod([(0, -7, -20), (0, -3, -36)], [2.2, 2], "vessel")
        cut.rod([(13, -14, -22), (13, -20, -17)], 2.4, "vessel", True)
        cut.rod([(8, -17, -13), (30, -18, -10), (38, -14, -6)], [1.6, 1.5, 1.2], "vessel", True)
