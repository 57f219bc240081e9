"""The belly below the diaphragm: liver, spleen, stomach, kidneys, gut, great vessels' surroundings."""

import numpy as np

from mip_app.demo.anatomy.canvas import Array, Blob, Canvas, Tubes, blend, f32

# value plain / portal venous phase, HU
LIVER, SPLEEN, KIDNEY, PANCREAS, BOWEL = (58, 112), (48, 122), (34, 178), (42, 98), (34, 78)

PORTAL = Tubes.along([(-4, -4, -196), (-24, -12, -176), (-48, -8, -162), (-84, 4, -150)], [7, 6.5, 5, 3])
PORTAL_LEFT = Tubes.along([(-40, -10, -165), (-16, -34, -158), (6, -46, -150)], [4.5, 3.6, 2.5])
HEPATIC = Tubes.join(
    [
        Tubes.along([(-24, 2, -108), (-64, 4, -122), (-100, 10, -150)], [5.2, 4, 2]),
        Tubes.along([(-24, 0, -108), (-46, -28, -124), (-62, -52, -150)], [5, 3.6, 2]),
        Tubes.along([(-20, -4, -108), (6, -34, -122), (24, -48, -140)], [4.6, 3.2, 1.8]),
    ]
)
SPLENIC = Tubes.along([(-4, -4, -196), (18, 0, -190), (48, 18, -180), (78, 30, -172)], [5, 4.6, 4, 3.2])
MESENTERIC = Tubes.along([(6, 10, -205), (8, -10, -230), (4, -20, -320)], [3.8, 3.6, 2.8])
MESENTERIC_VEIN = Tubes.along([(-6, -4, -196), (-6, -12, -230), (-8, -22, -320)], [6, 5.4, 4])
COLON = Tubes.join(
    [
        Tubes.along([(-92, 22, -345), (-100, 26, -290), (-96, 8, -250), (-80, -36, -232)], 20, step=12),
        Tubes.along(
            [(-80, -40, -234), (-30, -66, -246), (30, -66, -244), (76, -34, -214), (104, 12, -176)],
            17,
            step=12,
        ),
        Tubes.along([(104, 14, -178), (112, 34, -220), (110, 32, -345)], 14, step=12),
    ]
)
GUT = [  # loops of small bowel: centre and size
    (x, y, z, 20 + 5 * np.sin(i * 2.4), 13 + 3 * np.cos(i * 1.7), 15.0, 37.0 * i)
    for i, (x, y, z) in enumerate(
        (
            (56, -40, -236), (74, -12, -248), (40, -62, -262), (66, -46, -272), (84, 4, -278), (48, -18, -268),
            (20, -62, -284), (-14, -68, -278), (-44, -58, -286), (58, -62, -296), (34, -36, -300), (78, -26, -306),
            (-6, -44, -304), (-36, -34, -310), (-60, -50, -318), (12, -66, -320), (46, -60, -326), (70, -2, -318),
            (-64, -18, -296), (24, -48, -338), (-24, -60, -338), (58, -34, -342),
        )
    )
]  # fmt: skip


def paint_belly(canvas: Canvas, lit: bool, room: Array, fine: Array, wide: Array) -> None:
    """Everything under the dome; `room` are the shares of the pixels inside the abdominal cavity."""
    z, pick = canvas.z, int(lit)
    canvas.fill(room, -104 + 7 * wide + 5 * fine)
    if z < -186:
        _walls(canvas, fine)
    _gut(canvas, pick, room, fine)
    _kidneys(canvas, lit, fine)
    _solid(canvas, pick, room, fine, wide)
    if z < -205:
        for side in (1, -1):
            size = float(np.interp(z, [-345, -290, -215], [20, 15, 7]))
            canvas.ellipsoid((side * (24 + size), 44, z), (size, size * 0.9, 99), 56 + 6 * fine, side * 30)


def _walls(canvas: Canvas, fine: Array) -> None:
    for side in (1, -1):
        y = -74 - 6 * (canvas.z < -230)
        canvas.ellipsoid((side * 32, y, canvas.z), (30, 6, 99), 54 + 7 * fine, side * 8, boxy=True)


def _solid(canvas: Canvas, pick: int, room: Array, fine: Array, wide: Array) -> None:
    z, x, y = canvas.z, canvas.x, canvas.y
    if z > -262:
        right = Blob((-66, -2, -158), (76, 86, 92), boxy=True).distance(x, y, z)
        left = Blob((4, -46, -142), (66, 36, 40), -12, 14).distance(x, y, z)
        liver = np.maximum(blend(right, left, 22), f32((x - 0.35 * y - 72) * 0.9))
        if z < -150:
            hollow = Blob((-16, 6, -200), (30, 40, 52)).distance(x, y, z)
            liver = np.maximum(liver, -hollow)
        share = canvas.cover(liver + 3 * wide) * room
        part = f32(LIVER[pick] + 4 * fine + 2 * wide)
        for tubes, plain, bright in ((PORTAL, 44, 160), (PORTAL_LEFT, 44, 160), (HEPATIC, 43, 152)):
            part = part + canvas.stamp(tubes) * ((bright if pick else plain) - part)
        canvas.fill(share, f32(part))
        canvas.tube(PORTAL, 160.0 if pick else 42.0, room * (1 - share))
        canvas.ellipsoid((-58, -46, -206), (15, 22, 24), 30, 20, room)
        canvas.ellipsoid((-58, -46, -206), (13.4, 20.4, 22.4), 8, 20, room)
    if -220 < z < -112:
        canvas.ellipsoid((96, 36, -160), (24, 46, 48), SPLEEN[pick] + 4 * fine, 62, room, boxy=True)
        canvas.tube(SPLENIC, 165.0 if pick else 42.0, room)
        canvas.ellipsoid((48, 6, -184), (36, 9, 11), PANCREAS[pick] + 14 * fine, 28, room)
        canvas.ellipsoid((8, -8, -196), (26, 9, 13), PANCREAS[pick] + 14 * fine, 0, room)
        for side in (1, -1):
            for turn in (25, -35):
                canvas.ellipsoid((side * 34, 30, -176), (14, 2.6, 13), 70 if pick else 24, side * (60 + turn))
    if -250 < z < -186:
        canvas.ellipsoid((-22, -6, -214), (17, 13, 24), PANCREAS[pick] + 14 * fine, 20, room)
    canvas.tube(MESENTERIC, 200.0 if pick else 42.0, room)
    canvas.tube(MESENTERIC_VEIN, 165.0 if pick else 42.0, room)


def _kidneys(canvas: Canvas, lit: bool, fine: Array) -> None:
    for side, height in ((1, -222.0), (-1, -234.0)):
        center = (side * 62.0, 44.0, height)
        if abs(canvas.z - height) > 60:
            continue
        canvas.ellipsoid(center, (44, 38, 68), -104, 0)
        sinus = Blob((side * 48.0, 36.0, height), (17, 12, 28), side * 35)
        body = Blob(center, (30, 27, 55), side * 35, boxy=True)
        kidney = body.distance(canvas.x, canvas.y, canvas.z)
        hole = sinus.distance(canvas.x, canvas.y, canvas.z)
        canvas.fill(canvas.cover(np.maximum(kidney, -hole)), KIDNEY[int(lit)] + 5 * fine)
        if lit:
            pyramids = canvas.cover(kidney + 9) * canvas.cover(-hole) * np.clip(0.5 + fine, 0, 1)
            canvas.fill(f32(pyramids), 135)
        canvas.ellipsoid((side * 45.0, 35.0, height - 3), (9, 4, 12), 12, side * 35)


def _gut(canvas: Canvas, pick: int, room: Array, fine: Array) -> None:
    z, x, y = canvas.z, canvas.x, canvas.y
    if -222 < z < -112:  # the stomach: food below, gas above (lying on the back)
        bag = blend(
            Blob((62, -14, -150), (40, 48, 44), 10).distance(x, y, z),
            Blob((30, -48, -188), (46, 20, 26), -18, 20).distance(x, y, z),
            22,
        )
        canvas.fill(canvas.cover(bag) * room, BOWEL[pick] + 6 * fine)
        canvas.fill(canvas.cover(bag + 4.5 + fine) * room, 22 + 14 * fine)
        canvas.fill(canvas.cover(bag + 4.5 + fine) * canvas.cover(y + 42 + 0 * x) * room, -960)
    if z < -168:
        share = canvas.stamp(COLON)
        inner = canvas.stamp(COLON.grown(-2.4))
        canvas.fill(share * room, BOWEL[pick])
        content = np.where(fine + 0.02 * (y + 20) > 0.1, 20 + 40 * fine, -820 + 60 * fine)
        canvas.fill(inner * room, f32(content))
        for i, (cx, cy, cz, a, b, c, turn) in enumerate(GUT):
            canvas.ellipsoid((cx, cy, cz), (a, b, c), BOWEL[pick] + 4 * fine, turn, room)
            canvas.ellipsoid((cx, cy, cz), (a - 3, b - 3, c - 3), 14 + 10 * fine, turn, room)
            if i % 4 == 1:
                canvas.ellipsoid((cx, cy - b * 0.4, cz), (a * 0.5, b * 0.4, c * 0.5), -850, 0, room)
