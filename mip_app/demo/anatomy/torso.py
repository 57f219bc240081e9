"""A trunk from the shoulders to the hips, slice by slice, in HU: what a CT of it would show without noise."""

from dataclasses import dataclass

import numpy as np

from mip_app.demo.anatomy import skeleton
from mip_app.demo.anatomy.canvas import Array, Blob, Canvas, Cloud, Point, Tubes, f32
from mip_app.demo.anatomy.mediastinum import AIRWAY, AIRWAY_WALL, between_lungs, paint_mediastinum
from mip_app.demo.anatomy.tissues import FAT, LUNG, MUSCLE, table
from mip_app.demo.anatomy.vessels import beside, grow, strew
from mip_app.demo.anatomy.viscera import paint_belly

ANGLES = 2048
NODULE: Point = (-55.0, 20.0, 45.0)  # right upper lobe, posterior segment


@dataclass(frozen=True)
class Build:
    """Who is scanned: sex, `fat` (mm under the skin), contrast in the vessels, radius of the nodule (0: none)."""

    seed: int = 1
    female: bool = False
    fat: float = 13.0
    enhanced: bool = False
    nodule: float = 0.0
    spiculated: bool = True
    vessels: int = 560  # targets of each lung's arterial tree


BODY_WIDE = (
    (-340, 168), (-270, 158), (-200, 151), (-120, 157), (-60, 164), (0, 172), (50, 178),
    (85, 172), (115, 150),
)  # fmt: skip
BODY_DEEP = (
    (-340, 108), (-260, 106), (-190, 104), (-110, 108), (-50, 109), (10, 104), (50, 95),
    (85, 84), (120, 72),
)  # fmt: skip
CAGE_WIDE = (
    (-340, 130), (-260, 126), (-200, 127), (-140, 133), (-90, 133), (-40, 127), (0, 116),
    (30, 102), (55, 82), (72, 62), (85, 42), (93, 12),
)  # fmt: skip
CAGE_DEEP = (
    (-340, 82), (-260, 82), (-200, 86), (-140, 90), (-90, 90), (-40, 86), (0, 79),
    (30, 70), (55, 58), (72, 46), (85, 32), (93, 10),
)  # fmt: skip


class Torso:
    """Paints slices; everything random is drawn once from the seed."""

    def __init__(self, build: Build) -> None:
        self.build = build
        self.angle = f32(np.linspace(-np.pi, np.pi, ANGLES, endpoint=False))
        self.mottle = Cloud(build.seed + 11, 48, 3.2)
        self.soft = Cloud(build.seed + 12, 48, 7.0)
        random = np.random.default_rng(build.seed)
        self.wobble = [(k, random.normal(0, 1.1 / k), random.uniform(0, 6.3)) for k in (3, 4, 5, 7)]
        self._trees(random)
        self.ribs, self.cartilage = skeleton.ribs(self.cage)
        self.girdle, self.blade = skeleton.girdle()

    # --- outlines: radius by angle (from the patient's left towards the back) -----------------------------------

    def _oval(self, angle: Array, wide: float, deep: float, power: float) -> Array:
        return f32(
            (np.abs(np.cos(angle) / wide) ** power + np.abs(np.sin(angle) / deep) ** power) ** (-1 / power)
        )

    def cage(self, z: float, angle: Array) -> Array:
        """Radius of the chest and abdominal cavity, mm."""
        radius = self._oval(angle, max(table(z, CAGE_WIDE), 2), max(table(z, CAGE_DEEP), 2), 2.25)
        front = np.exp(-(((angle + np.pi / 2) / 0.35) ** 2))
        return f32(radius - 5 * front * float(np.clip((radius.max() - 40) / 60, 0, 1)))

    def skin(self, z: float, angle: Array) -> Array:
        """Radius of the body, mm."""
        radius = self._oval(angle, table(z, BODY_WIDE), table(z, BODY_DEEP), 2.55)
        extra = self.build.fat - 13
        radius = radius + extra * (1 if z < -60 else 0.8)
        radius -= 5 * np.exp(-(((angle - np.pi / 2) / 0.13) ** 2)) + 3 * np.exp(
            -(((angle + np.pi / 2) / 0.16) ** 2)
        )
        chest = float(np.exp(-(((z + 20) / 50) ** 2)))
        for side in (-np.pi / 2 + 0.62, -np.pi / 2 - 0.62):
            bulge = np.exp(-(((angle - side) / 0.42) ** 2))
            radius += chest * bulge * 5
            if self.build.female:
                radius += 36 * float(np.exp(-(((z + 62) / 38) ** 2))) * bulge
        for k, size, phase in self.wobble:
            radius = radius + size * np.cos(k * angle + phase + z / 90)
        return f32(radius)

    # --- what divides the cavity ---------------------------------------------------------------------------------

    def dome(self, x: Array, y: Array) -> Array:
        """Height of the diaphragm over (x, y)."""
        right = -92 - 0.0095 * (x + 60) ** 2 - 0.0080 * (y + 16) ** 2
        left = -106 - 0.0105 * (x - 62) ** 2 - 0.0085 * (y + 12) ** 2
        return f32(np.maximum(np.maximum(right, left), -126 - 0.012 * (y + 30) ** 2 - 0.006 * x * x))

    def in_lung(self, x: Array, y: Array, z: Array) -> Array:
        """Which points lie well inside a lung."""
        radius, angle = np.hypot(x, y), np.arctan2(y, x)
        inside = z > self.dome(x, y) + 5
        for level in np.unique(np.round(z / 6) * 6):
            at = np.abs(z - level) <= 3
            inside[at] &= radius[at] < self.cage(float(level), f32(angle[at])) - 4
            inside[at] &= between_lungs(x[at], y[at], float(level)) > 3
        return np.asarray(inside)

    def _trees(self, random: np.random.Generator) -> None:
        arteries, veins, walls, lumina = [], [], [], []
        for side, root, vein in ((-1, (-40, 4, -19), (-36, 12, -46)), (1, (44, 16, -11), (40, 16, -46))):
            low, high = sorted((side * 18.0, side * 130.0))
            box = ((low, -85.0, -190.0), (high, 92.0, 86.0))
            points = strew(random, self.in_lung, *box, self.build.vessels)
            tree, load = grow(points, root, 0.7, 6.4)
            arteries.append(tree)
            wall, lumen = beside(tree, load, 9)
            walls.append(wall)
            lumina.append(lumen)
            points = strew(random, self.in_lung, *box, int(self.build.vessels * 0.8))
            veins.append(grow(points, vein, 0.66, 5.8)[0])
        self.lung_vessels = Tubes.join(arteries + veins)
        self.bronchus_wall, self.bronchus = Tubes.join(walls), Tubes.join(lumina)
        self.spikes = self._spikes(random)

    def _spikes(self, random: np.random.Generator) -> Tubes:
        way = random.standard_normal((18, 3))
        way /= np.linalg.norm(way, axis=1, keepdims=True)
        reach = self.build.nodule * random.uniform(1.35, 2.0, (18, 1))
        centre = np.asarray(NODULE)
        ends = f32([centre, centre + (-26, 12, 2)])  # to the pleura
        tail = Tubes.along(ends, [1.0, 0.35], step=4)
        return Tubes.join(
            [Tubes(f32(np.tile(centre, (18, 1))), f32(centre + way * reach), f32(np.full(18, 0.8))), tail]
        )

    # --- painting ------------------------------------------------------------------------------------------------

    def slice(self, x: Array, y: Array, z: float) -> Array:
        """HU over the grid of pixel centres x (columns) and y (rows), mm, at height z."""
        canvas = Canvas(x, y, z, -1000.0)
        rows, columns = canvas.value.shape
        self._polar(canvas)
        fine = self.mottle.plane(z / 8, rows, columns)
        wide = self.soft.plane(z / 8, rows, columns)
        skin = self._radial - self.skin(z, self.angle)[self._index]
        cavity = self._radial - self.cage(z, self.angle)[self._index]
        self._wall(canvas, skin, cavity, fine, wide)
        self._inside(canvas, cavity, fine, wide)
        self._air(canvas)
        skeleton.paint_tubes(canvas, self.ribs, fine)
        canvas.fill(canvas.stamp(self.cartilage), skeleton.CARTILAGE)
        skeleton.paint_spine(canvas, fine, float(self.skin(z, f32([np.pi / 2]))[0]) - 9)
        front = -float(self.cage(z, f32([-np.pi / 2]))[0])
        skeleton.paint_sternum(canvas, front, fine)
        if z > -60:
            skeleton.paint_tubes(canvas, self.girdle, fine)
            canvas.fill(canvas.stamp(self.blade), skeleton.CORTEX * 0.8)
        return canvas.value

    def _polar(self, canvas: Canvas) -> None:
        key = (canvas.value.shape, canvas.dx, canvas.dy)
        if getattr(self, "_grid", None) != key:
            self._grid = key
            self._radial = f32(np.hypot(canvas.x, canvas.y))
            angle = np.arctan2(canvas.y, canvas.x)
            self._index = ((angle + np.pi) * (ANGLES / (2 * np.pi))).astype(np.int32) % ANGLES

    def _wall(self, canvas: Canvas, skin: Array, cavity: Array, fine: Array, wide: Array) -> None:
        """Skin, fat under it, the muscles of the trunk and the fat between them."""
        z, fat = canvas.z, self.build.fat
        canvas.fill(canvas.cover(skin), 5.0)
        canvas.fill(canvas.cover(skin + 1.9), FAT + 5 * wide)
        if self.build.female and -130 < z < 10:
            gland = canvas.cover(skin + 9 - 4 * wide, 6) * canvas.cover(8 - cavity - 14, 6)
            gland = (
                gland
                * np.clip(0.35 + 0.8 * fine, 0, 1)
                * canvas.cover(canvas.y + 62, 10)
                * (np.abs(canvas.x) > 30)
            )
            canvas.fill(f32(gland), 30.0)
        deep = f32(fat * (1 + 0.25 * np.sin(self.angle) ** 2))[self._index] if fat else skin
        muscle = canvas.cover(skin + deep + 2.5 * wide)
        thin = table(
            z, ((-110, 18), (-60, 18), (0, 27), (30, 44), (60, 90))
        )  # how far from the cavity muscle reaches
        if z < 60:
            limit = f32(
                thin
                + 9 * np.exp(-(((self.angle - 2.3) / 0.5) ** 2))
                + 9 * np.exp(-(((self.angle - 0.84) / 0.5) ** 2))
            )
            muscle = muscle * canvas.cover(cavity - limit[self._index], 2.5)
        canvas.fill(muscle, MUSCLE + 7 * fine)
        seam = np.abs(cavity - 11.5 - 2.2 * wide)
        strand = np.maximum(0, 1 - np.abs(wide + 0.3 * fine) * 7) * (cavity > 12)
        if z > -60:  # around the shoulder fat parts the muscles: the armpit, the planes between them
            shoulder = float(np.clip((z + 60) / 60, 0, 1))
            pit = canvas.cover(
                Blob((0, 2, z), (150, 30, 40)).distance(canvas.x, canvas.y, z) + 9 * fine, 5
            ) * (cavity > 13)
            strand = np.maximum(
                strand,
                np.maximum(
                    0.85 * shoulder * pit, 0.5 * np.maximum(0, 1 - np.abs(fine + wide) * 4) * (cavity > 14)
                ),
            )
        cleft = np.maximum(np.maximum(0, 1 - seam * 0.6), strand)
        canvas.fill(f32(cleft * muscle * 0.8), FAT + 12)
        inner = canvas.cover(skin + 0.6 * fat)
        for side in (1, -1):  # the long muscles of the back
            y = skeleton.spine_y(z) + 36
            canvas.ellipsoid(
                (side * 29, min(y, 88), z), (25, 14, 99), MUSCLE + 6 * fine, side * -8, inner, boxy=True
            )
            canvas.ellipsoid((side * 9, min(y - 1, 86), z), (5, 12, 99), MUSCLE - 14 + 30 * fine, 0, inner)
            if z > 50:
                self._shoulder(canvas, side, fine, canvas.cover(skin + 4))

    def _shoulder(self, canvas: Canvas, side: int, fine: Array, inner: Array) -> None:
        canvas.ellipsoid(
            (side * 130, 4, 100), (42, 46, 40), FAT + 20, 0, f32(inner * np.clip(0.3 + fine, 0, 1))
        )
        canvas.ellipsoid(
            (side * 132, 2, 104),
            (36, 39, 42),
            MUSCLE + 7 * fine,
            0,
            f32(inner * np.clip(1.1 - 0.6 * fine, 0, 1)),
            boxy=True,
        )
        canvas.ellipsoid((side * 136, -2, 112), (24, 25, 24), skeleton.CORTEX)
        canvas.ellipsoid((side * 136, -2, 112), (22, 23, 22), skeleton.MARROW + 60 * fine)

    def _inside(self, canvas: Canvas, cavity: Array, fine: Array, wide: Array) -> None:
        """All within the ribs, painted only there; the neck does not end at the chest's rim."""
        z = canvas.z
        reach_x, reach_y = table(z, CAGE_WIDE) + 5, table(z, CAGE_DEEP) + 5
        chest, box = canvas.part(-reach_x, reach_x, -reach_y, reach_y)
        above = f32(
            (z - self.dome(chest.x, chest.y)) * 0.62
        )  # the dome is slanted: nearer than its height tells
        if z < 92:
            self._lining(chest, cavity[box], above, fine[box], wide[box])
        middle, box_m = (canvas, np.s_[:, :]) if z > 50 else canvas.part(-85, 110, -105, 95)
        paint_mediastinum(middle, self.build.enhanced, fine[box_m])
        if z < 92:
            lung = np.maximum(cavity[box] + 1.6, 1.2 - self._gap(chest))
            lung = np.maximum(lung, 1.2 - above) if z < -80 else lung
            self._lungs(chest, f32(lung), fine[box], wide[box])

    def _lining(self, canvas: Canvas, cavity: Array, above: Array, fine: Array, wide: Array) -> None:
        """Intercostal muscle, the fat inside it, the diaphragm and what hangs below it."""
        z = canvas.z
        canvas.fill(canvas.cover(cavity - 1.2) * (0.5 if z > 70 else 1), MUSCLE)
        canvas.fill(canvas.cover(cavity + 0.4), FAT + 6 * wide)
        if z < -88:
            canvas.fill(canvas.cover(above) * canvas.cover(cavity), MUSCLE)
            room = canvas.cover(above + 2.2) * canvas.cover(cavity + 2)
            paint_belly(canvas, self.build.enhanced, room, fine, wide)

    def _gap(self, canvas: Canvas) -> Array:
        """`between_lungs` over the canvas, worked out only where it matters."""
        near, box = canvas.part(-82, 112, -200, 200)
        gap: Array = np.full_like(canvas.value, 60.0)
        gap[box] = between_lungs(near.x, near.y, canvas.z)
        return gap

    def _lungs(self, canvas: Canvas, gap: Array, fine: Array, wide: Array) -> None:
        share = canvas.cover(gap)
        z, x, y = canvas.z, canvas.x, canvas.y
        base = f32(LUNG + 14 * fine + 12 * wide + 0.28 * y + 24 * np.maximum(0, 1 + gap * 0.2))
        fissure = (z + 0.98 * y - 24 + 0.009 * (np.abs(x) - 70) ** 2 + 7 * wide) * 0.71  # the oblique one
        picture = base + 95 * np.maximum(0, 1 - fissure * fissure)
        blood = 165.0 if self.build.enhanced else 42.0
        for shares, value in (
            (canvas.stamp(self.lung_vessels, canvas.soft * 1.15), blood),
            (canvas.stamp(self.bronchus_wall), -120.0),
            (canvas.stamp(self.bronchus), -945.0),
        ):
            picture = picture + shares * (value - picture)
        if self.build.nodule and abs(z - NODULE[2]) < 24:
            picture = self._nodule(canvas, f32(picture), fine)
        canvas.fill(share, f32(picture))

    def _nodule(self, canvas: Canvas, picture: Array, fine: Array) -> Array:
        value = 82.0 if self.build.enhanced else 34.0
        if self.build.spiculated:
            picture = picture + 0.8 * canvas.stamp(self.spikes) * (value - picture)
        r = self.build.nodule
        gap = Blob(NODULE, (r * 1.06, r * 0.95, r), 30).distance(canvas.x, canvas.y, canvas.z)
        rough = 0.17 * r * fine if self.build.spiculated else f32(0.0)
        return f32(picture + canvas.cover(gap + rough) * (value - picture))

    def _air(self, canvas: Canvas) -> None:
        if canvas.z > -75:
            canvas.tube(AIRWAY_WALL, 20.0)
            canvas.tube(AIRWAY, -985.0)
