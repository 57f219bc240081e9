"""Between the lungs: heart, great vessels, airways, gullet, nodes."""

import numpy as np

from mip_app.demo.anatomy.canvas import Array, Blob, Canvas, Tubes, blend, f32
from mip_app.demo.anatomy.skeleton import spine_y
from mip_app.demo.anatomy.tissues import FAT, MUSCLE, table

# Left ventricle, right ventricle, right atrium, left atrium: their outer walls.
HEART = (
    Blob((42, -28, -86), (52, 35, 36), -42, 28),
    Blob((10, -50, -80), (46, 26, 36), -28, 26, True),
    Blob((-30, -22, -70), (24, 31, 36)),
    Blob((2, 14, -54), (38, 22, 24), boxy=True),
)
TRACHEA = [(0, 12, 120), (-1, 18, 40), (-2, 25, 6)]
RIGHT = [(-2, 25, 6), (-20, 24, -6), (-30, 22, -16), (-33, 22, -40), (-42, 26, -58)]
LEFT = [(-2, 25, 6), (16, 27, -9), (38, 27, -20), (46, 30, -42), (54, 36, -62)]
UPPER = [(-20, 24, -6), (-40, 16, 0), (-52, 14, 12)], [(38, 27, -20), (52, 10, -12), (58, 2, 2)]
AIRWAY = Tubes.join(
    [
        Tubes.along(TRACHEA, 8.6),
        Tubes.along(RIGHT, [7.6, 7.2, 6, 4.8, 3.6]),
        Tubes.along(LEFT, [7.2, 6.4, 5.6, 4.4, 3.4]),
        Tubes.along(UPPER[0], [5, 4, 3]),
        Tubes.along(UPPER[1], [4.6, 3.6, 2.8]),
    ]
)
AIRWAY_WALL = AIRWAY.grown(1.3)
AORTA = Tubes.along(
    [
        (-4, -8, -66),
        (-15, -26, -25),
        (-14, -28, 4),
        (-4, -20, 24),
        (10, -2, 30),
        (20, 22, 25),
        (24, 40, 6),
        (24, 46, -20),
        (23, 47, -90),
        (13, 46, -160),
        (6, 34, -212),
        (3, 22, -270),
        (3, 20, -322),
    ],
    [15, 15.5, 15, 14.5, 13.5, 13, 12.5, 12, 11.5, 11, 10, 8.5, 8],
)
ESOPHAGUS = Tubes.along(
    [(4, 30, 120), (4, 36, 40), (2, 40, 0), (8, 36, -60), (14, 26, -110), (26, 8, -140)], 6.2
)
VESSELS: tuple[tuple[Tubes, float, float], ...] = (
    (Tubes.along([(-24, -12, 60), (-26, -12, 30), (-27, -10, -5), (-30, -16, -45)], 8.4), 40, 260),
    (Tubes.along([(44, -22, 74), (30, -34, 56), (0, -38, 44), (-25, -14, 36)], 6.0), 40, 205),
    (Tubes.along([(-24, -12, 60), (-40, -22, 80), (-48, -16, 120)], 6.4), 40, 240),
    (Tubes.along([(20, -46, -52), (22, -38, -24), (24, -24, -6)], [14, 14, 13]), 41, 225),
    (Tubes.along([(24, -24, -10), (2, -4, -17), (-26, 4, -20), (-42, 4, -20)], [11, 10.5, 9.5, 8]), 41, 222),
    (Tubes.along([(24, -26, -6), (36, -4, 0), (44, 16, -8), (48, 24, -26)], [12, 11, 9.5, 7]), 41, 222),
    (Tubes.along([(-18, 14, -50), (-36, 12, -44), (-46, 6, -40)], 6), 41, 190),
    (Tubes.along([(22, 16, -50), (38, 16, -44), (48, 10, -36)], 6), 41, 190),
    (Tubes.along([(-10, -20, 20), (-14, -14, 55), (-22, -8, 85), (-28, -8, 120)], [6.4, 6, 5, 4]), 42, 215),
    (Tubes.along([(6, -8, 30), (14, -2, 60), (24, -6, 120)], [4.6, 4.4, 4.2]), 42, 215),
    (Tubes.along([(18, 14, 28), (26, 12, 55), (40, 6, 78), (70, -6, 90)], [5, 4.8, 4.4, 4]), 42, 215),
    (
        Tubes.along(
            [(-22, -2, -98), (-23, 10, -130), (-22, 22, -205), (-20, 26, -330)], [12.5, 12, 11, 10.5]
        ),
        40,
        140,
    ),
    (Tubes.along([(-7, 50, -180), (-7, 46, -40), (-8, 40, 6), (-22, 22, 14), (-26, -4, 10)], 3.4), 38, 150),
    (AORTA, 42, 218),
)
NODES = (
    (-10, 10, 24, 4.0),
    (-16, 4, 8, 4.6),
    (6, 14, -12, 5.2),
    (14, -24, 36, 3.6),
    (-4, -44, 26, 3.2),
    (34, -18, 12, 3.4),
)


def between_lungs(x: Array, y: Array, z: float) -> Array:
    """Distance to what lies between the lungs: heart, great vessels, spine."""
    gap = f32(np.abs(x - 2) - 3.5)
    column = Blob((0, spine_y(z) + 6, z), (25, 27, 40), boxy=True)
    gap = blend(gap, column.distance(x, y, z), 8)
    desc = table(z, ((-340, 2), (-210, 6), (-160, 14), (-90, 23), (20, 24)))
    if z < 42:
        arch = 15.5 * float(np.clip((42 - z) / 14, 0, 1)) ** 0.5
        gap = blend(gap, f32(np.sqrt((x - desc) ** 2 + (y - 46) ** 2) - arch), 8)
    wide = table(z, ((-72, 12), (-45, 27), (-12, 36), (20, 36), (45, 31), (95, 29)))
    if z > -72:
        centre = table(z, ((-60, 8), (-10, 3), (24, 5), (40, 2), (90, -1)))
        vessels = Blob(
            (centre, -14, z),
            (wide, table(z, ((-70, 20), (-30, 36), (0, 38), (40, 30), (90, 40))), 40),
            boxy=True,
        )
        gap = blend(gap, vessels.distance(x, y, z), 10)
    if -45 < z < 12:  # the roots of the lungs
        for side, height in ((-1, -20.0), (1, -10.0)):
            root = Blob((side * 30, 8, height), (19, 15, 22))
            gap = blend(gap, root.distance(x, y, z), 6)
    if -140 < z < -18:
        outer = HEART[0].distance(x, y, z)
        for blob in HEART[1:]:
            outer = blend(outer, blob.distance(x, y, z), 12)
        gap = blend(gap, outer - 4.5, 8)
    return gap


def paint_mediastinum(canvas: Canvas, lit: bool, fine: Array) -> None:
    """Gullet, heart, great vessels and nodes; `lit`: contrast in the blood."""
    z = canvas.z
    if z > 55:  # neck base: muscles, thyroid
        for side in (1, -1):
            canvas.ellipsoid((side * 24, 24, z), (12, 14, 99), MUSCLE + 6 * fine, side * 25)
            canvas.ellipsoid((side * 16, -34, z), (11, 7, 99), MUSCLE + 6 * fine, side * -20)
            canvas.ellipsoid((side * 15, 4, 100), (9, 15, 26), 150 if lit else 105)
    if z > -145:
        canvas.tube(ESOPHAGUS, 38.0)
        canvas.tube(ESOPHAGUS.grown(-4.6), -420.0)
    if -142 < z < -16:
        _heart(canvas, lit, fine)
    for tubes, plain, bright in VESSELS:
        canvas.tube(tubes, (bright if lit else plain) + 3 * fine)
    for x, y, height, size in NODES:
        canvas.ellipsoid((x, y, height), (size, size * 0.62, size), 62 if lit else 38, 30)


def _heart(canvas: Canvas, lit: bool, fine: Array) -> None:
    muscle, values = (108.0, (205.0, 176.0, 172.0, 196.0)) if lit else (50.0, (41.0, 41.0, 41.0, 41.0))
    outer = HEART[0].distance(canvas.x, canvas.y, canvas.z)
    for blob in HEART[1:]:
        outer = blend(outer, blob.distance(canvas.x, canvas.y, canvas.z), 9)
    canvas.fill(canvas.cover(outer - 4.6), 30.0)  # pericardium
    canvas.fill(canvas.cover(outer - 3.4), FAT + 8 * fine)
    groove = f32(9.0) * np.clip(fine, 0, 1)
    canvas.fill(canvas.cover(outer + 0.4 * groove), muscle + 4 * fine)
    for blob, wall, value in zip(HEART, (11.5, 4.5, 3.0, 3.0), values, strict=True):
        a, b, c = blob.axes
        inside = (a - wall, b - wall, c - wall)
        canvas.ellipsoid(blob.center, inside, value + 5 * fine, blob.turn, boxy=blob.boxy, tilt=blob.tilt)
    left = HEART[0]  # the septum and the left wall again: the right ventricle lies before them
    distance = left.distance(canvas.x, canvas.y, canvas.z)
    canvas.fill(canvas.cover(distance + 2), muscle + 4 * fine)
    canvas.fill(canvas.cover(distance + 11.5 + 0.7 * fine), values[0] + 5 * fine)
