"""Pictures that are flat by nature: projections of bones and breast, an ultrasound sector, an angiogram."""

import numpy as np

from mip_app.demo.anatomy.canvas import Array, Cloud, f32, spread

Bone = tuple[tuple[tuple[float, float], ...], tuple[float, ...]]  # points and radii, mm

KNEE: tuple[Bone, ...] = (
    (((-3, -125), (-2, -85), (-1, -55), (0, -38)), (13, 13.5, 17, 22)),  # femur
    (((-13, -40), (-19, -22), (-20, -14)), (20, 21, 17)),
    (((13, -40), (19, -22), (21, -15)), (20, 20, 17)),
    (((-26, 14), (-10, 15), (10, 15), (27, 14)), (11, 12, 12, 11)),  # tibial plateau
    (((-15, 20), (-9, 36), (-4, 58), (-3, 125)), (20, 18, 14, 12)),
    (((15, 20), (8, 36), (0, 58), (-3, 125)), (20, 18, 14, 12)),
    (((34, 30), (33, 44), (30, 70), (29, 125)), (8.5, 6, 5, 5)),  # fibula
    (((0, -34), (0, -28), (0, -22)), (17, 19, 16)),  # patella
)
WRIST: tuple[Bone, ...] = (
    (((-9, 90), (-10, 40), (-12, 18)), (7.5, 8, 12)),  # radius
    (((-19, 14), (-4, 12)), (8, 8)),
    (((14, 90), (13, 40), (12, 18)), (6, 5.5, 7.5)),  # ulna
    (((-18, -2), (-12, 2)), (6.5, 7.5)),  # scaphoid, lunate, triquetrum, pisiform
    (((1, 2), (2, 4)), (7, 7)),
    (((14, 0), (15, 1)), (6.5, 6.5)),
    (((18, -3), (18, -3)), (4.5, 4.5)),
    (((-21, -13), (-20, -14)), (6, 6)),  # trapezium, trapezoid, capitate, hamate
    (((-11, -16), (-10, -16)), (5.5, 5.5)),
    (((0, -12), (1, -18)), (7.5, 7)),
    (((12, -15), (11, -16)), (7.5, 7)),
    (((-26, -22), (-36, -38), (-44, -58)), (5.5, 4.5, 6)),  # metacarpals and fingers
    (((-46, -64), (-52, -84)), (5.5, 4.5)),
    (((-14, -26), (-19, -52), (-22, -80)), (5.5, 4, 6)),
    (((-23, -90), (-26, -125)), (6, 4.6)),
    (((0, -27), (-1, -54), (-2, -84)), (5.5, 4.2, 6.2)),
    (((-2, -95), (-2, -132)), (6, 4.8)),
    (((10, -27), (14, -52), (18, -79)), (5, 3.8, 5.6)),
    (((19, -89), (22, -122)), (5.6, 4.4)),
    (((17, -25), (26, -47), (34, -70)), (5, 3.6, 5.2)),
    (((35, -79), (42, -104)), (5, 4)),
)


def _rounded(bone: Bone) -> tuple[Array, Array]:
    """More points along the rod, its corners and steps in width smoothed."""
    points, radii = np.array(bone[0], float), np.array(bone[1], float)
    at = np.linspace(0, len(points) - 1, 4 * len(points) - 3)
    fine = np.stack(
        [np.interp(at, np.arange(len(points)), v) for v in (points[:, 0], points[:, 1], radii)], axis=1
    )
    for _ in range(3):
        fine[1:-1] = 0.25 * fine[:-2] + 0.5 * fine[1:-1] + 0.25 * fine[2:]
    return f32(fine[:, :2]), f32(fine[:, 2])


def _chord(x: Array, y: Array, bone: Bone, shrink: float) -> Array:
    """How much of a rounded rod the beam crosses at each pixel, mm; x (1 or more rows) × columns, y a column."""
    line, radii = _rounded(bone)
    through: Array = np.zeros(np.broadcast_shapes(x.shape, y.shape), np.float32)
    for p, q, r, s in zip(line, line[1:], radii, radii[1:], strict=False):
        edge = max(r, s)
        rows = slice(*np.searchsorted(y[:, 0], (min(p[1], q[1]) - edge, max(p[1], q[1]) + edge)))
        across = x if len(x) == 1 else x[rows]
        dx, dy = q - p
        t = np.clip(((across - p[0]) * dx + (y[rows] - p[1]) * dy) / (dx * dx + dy * dy + 1e-6), 0, 1)
        radius = np.maximum(r + t * (s - r) - shrink, 0)
        gap = (across - p[0] - t * dx) ** 2 + (y[rows] - p[1] - t * dy) ** 2
        np.maximum(through[rows], 2 * np.sqrt(np.maximum(radius * radius - gap, 0)), out=through[rows])
    return through


def limb(
    bones: tuple[Bone, ...], x: Array, y: Array, seed: int, flesh: tuple[Bone, ...], fracture: bool = False
) -> Array:
    """Attenuation along the beam (mm of soft tissue) of bones within flesh; x columns, y rows, mm."""
    xx, yy = x[None, :], y[:, None]
    cloud = Cloud(seed + 31, 64, 3.0)
    grain = f32(cloud.plane(3.0, len(y), len(x)))
    through = 0.3 * sum((_chord(xx, yy, part, 0.0) for part in flesh), f32(np.zeros((len(y), len(x)))))
    for part in flesh:
        through = np.maximum(through, 0.75 * _chord(xx, yy, part, 0.0))
    for index, bone in enumerate(bones):
        shift = xx
        if fracture and index == 0:
            shift = xx + np.where(yy < 34 - 0.25 * xx, 3.0, 0.0)
        outer, inner = _chord(shift, yy, bone, 0.0), _chord(shift, yy, bone, 1.7)
        trabecular = inner * (0.62 + 0.09 * grain)
        part_through = 2.1 * np.maximum(outer - inner, 0) + trabecular
        if fracture and index < 2:
            crack = np.abs(yy - 29 + 0.25 * xx + 1.6 * grain)
            part_through = part_through * np.clip(0.35 + crack / 1.6, 0, 1)
        through = through + part_through
    return f32(through)


def breast(x: Array, y: Array, seed: int, oblique: bool, lump: bool) -> Array:
    """A compressed breast, chest wall at x = 0, nipple towards +x; attenuation as MG shows it, 0 … 1."""
    xx, yy = x[None, :], y[:, None]
    rows, columns = len(y), len(x)
    reach, half = 92.0, 82.0
    radius = np.sqrt(np.clip(xx, 0, None) ** 2 / reach**2 + ((yy - 8 * oblique) / half) ** 2)
    edge = np.clip((1 - radius) * 7, 0, 1)
    cloud, fine, finest = (Cloud(seed + 41 + i, 64, g, 0.7) for i, g in enumerate((9.0, 5.0, 2.6)))
    texture = (
        cloud.plane(1, rows, columns)
        + 0.7 * fine.plane(2, rows, columns)
        + 0.35 * finest.plane(3, rows, columns)
    )
    angle = np.arctan2(yy - 8 * oblique, reach - xx + 4)
    ducts = np.clip(np.cos(angle * 17 + 0.9 * texture) - 0.55, 0, 1) * np.exp(-(((xx - 60) / 28) ** 2))
    gland = np.exp(-(((xx - 48) / 30) ** 2)) * np.exp(-(((yy - 4) / 40) ** 2))
    dense = 1 / (1 + np.exp(-2.2 * (texture - 1.1 + 2.2 * gland)))
    picture = 0.30 + 0.34 * dense * (0.25 + gland) + 0.16 * ducts + 0.025 * texture
    strands = np.exp(-((fine.plane(9, rows, columns) / 0.3) ** 2))
    picture = picture + 0.018 * strands
    picture = picture * np.sqrt(edge) + 0.05 * edge * (radius > 0.93)
    nipple = np.exp(-(((xx - reach + 3) / 5) ** 2) - (((yy - 8 * oblique) / 6) ** 2))
    picture = np.maximum(picture, 0.42 * np.clip(1.5 * nipple, 0, 1))
    if oblique:
        muscle = 1 / (1 + np.exp(np.minimum((xx - 0.55 * (10 - yy) + 8) / 2.0, 60)))
        picture = picture + muscle * (0.62 + 0.05 * texture - picture)
    if lump:
        cx, cy = 46.0, -18.0
        gap = np.hypot(xx - cx, yy - cy)
        spikes = np.clip(np.cos(np.arctan2(yy - cy, xx - cx) * 11 + texture) - 0.6, 0, 1) * np.exp(-gap / 8)
        picture = (
            picture + 0.20 / (1 + np.exp(np.minimum((gap - 6.5 + 0.8 * texture) / 0.9, 60))) + 0.14 * spikes
        )
        random = np.random.default_rng(seed + 47)
        for px, py in random.normal((cx, cy), 4.5, (14, 2)):
            picture = picture + 0.4 * np.exp(-(((xx - px) ** 2 + (yy - py) ** 2) / 0.09))
    return f32(np.clip(picture, 0, 1.2))


def sector(kind: str, frames: int, seed: int, rows: int = 480, columns: int = 640) -> list[Array]:
    """Frames (rows × columns, 0 … 1) of a convex probe's picture: `liver` with gallbladder, `kidney`, `thyroid`."""
    ratio = 150.0 / 440  # mm per pixel
    x = f32((np.arange(columns) - columns / 2) * ratio)[None, :]
    y = f32((np.arange(rows) - 24) * ratio)[:, None]
    radius, angle = np.hypot(x, y + 42), np.arctan2(x, y + 42)
    fan = (radius > 48) & (radius < 182) & (np.abs(angle) < 0.62)
    depth = np.clip((radius - 48) / 134, 0, 1)
    random = np.random.default_rng(seed)
    bed = random.standard_normal((2, 620, 420), dtype=np.float32)
    bed = f32(bed[:, :-2] + 1.2 * bed[:, 1:-1] + bed[:, 2:])
    bed = f32(sum(bed[:, :, k : 400 + k] for k in range(8)) / 5)
    speckle = np.hypot(bed[0], bed[1])
    i = np.clip((radius - 48) * 4.4, 0, 617).astype(np.int32)
    j = np.clip((angle + 0.62) * 322, 0, 399).astype(np.int32)
    cloud = Cloud(seed + 51, 48, 6.0)
    out = []
    for frame in range(frames):
        breath = 3.0 * np.sin(2 * np.pi * frame / max(frames, 1))
        mirror = _organ(kind, x, f32(y - breath), cloud.plane(frame * 0.05, rows, columns))
        rolled = np.roll(speckle, (int(round(breath * 4.4)), 0), (0, 1))
        picture = mirror * (0.25 + 0.75 * rolled[i, j] * 0.62) * (1.15 - 0.45 * depth)
        near = np.exp(-(radius - 48) / 3.5)
        out.append(f32(np.clip((picture + 0.5 * near * rolled[i, j] * 0.6) * fan, 0, 1)))
    return out


def _organ(kind: str, x: Array, y: Array, texture: Array) -> Array:
    def oval(cx: float, cy: float, a: float, b: float, turn: float) -> Array:
        c, s = np.cos(turn), np.sin(turn)
        u, v = (x - cx) * c + (y - cy) * s, (y - cy) * c - (x - cx) * s
        return f32((np.sqrt((u / a) ** 2 + (v / b) ** 2) - 1) * min(a, b))

    def inside(distance: Array, soft: float = 1.0) -> Array:
        return f32(np.clip(0.5 - distance / soft, 0, 1))

    field = f32(0.46 + 0.06 * texture)
    field = (
        field
        + 0.5 * inside(np.abs(y - 12 - 1.5 * texture) - 0.7)
        + 0.3 * inside(np.abs(y - 17 - texture) - 0.5)
    )
    if kind == "liver":
        for cx, cy, a, b, turn in ((-18, 60, 30, 4, 0.35), (22, 84, 24, 3.2, -0.5), (-34, 96, 20, 3, 0.8)):
            field = field * (1 - 0.8 * inside(oval(cx, cy, a, b, turn), 2)) + 0.3 * inside(
                np.abs(oval(cx, cy, a, b, turn)) - 0.5
            )
        bladder = oval(26, 58, 26, 12, 0.5)
        field = field * (1 - 0.96 * inside(bladder, 2)) + 0.35 * inside(np.abs(bladder) - 0.9)
        behind = inside(np.abs(x - 0.42 * (y + 42) + 8) - 12, 8) * (y > 66)
        field = field * (1 + 0.5 * behind)
        stone = oval(31, 67, 5, 2.6, 0.4)
        shadow = inside(np.abs(x - 31 * (y + 42) / 109) - 4.6 * (y + 42) / 109, 2) * (y > 68)
        field = field * (1 - 0.88 * shadow) + 0.95 * inside(stone)
        diaphragm = np.abs(np.hypot(x + 10, y - 10) - 112) - 1.3
        field = field + 0.8 * inside(diaphragm, 1.5) * (y > 70)
    elif kind == "kidney":
        cortex = oval(0, 62, 50, 23, 0.15)
        field = field * (1 - 0.45 * inside(cortex, 2)) + 0.3 * inside(np.abs(cortex) - 0.8)
        field = field + 0.42 * inside(oval(0, 62, 31, 8.5, 0.15) + 2.5 * texture, 4)
        for k in range(5):
            field = field * (1 - 0.5 * inside(oval(-30 + 15 * k, 48.5 + 2.2 * k, 4.6, 5.4, 0.0), 3))
        field = field * (1 - 0.95 * inside(oval(34, 60, 9, 8, 0), 2))
    else:
        for side in (-1, 1):
            lobe = oval(side * 30, 42, 19, 15, side * 0.15)
            field = (
                field * (1 - 0.15 * inside(lobe, 2)) + 0.16 * inside(lobe) + 0.2 * inside(np.abs(lobe) - 0.6)
            )
            field = field * (1 - 0.95 * inside(oval(side * 56, 46, 7.5, 7, 0), 1.5))
        windpipe = oval(0, 56, 15, 16, 0)
        field = field * (1 - 0.9 * inside(windpipe, 3)) + 0.8 * inside(
            np.abs(oval(0, 56, 16, 17, 0)) - 0.8
        ) * (y < 50)
        field = field * (1 - 0.8 * inside(oval(0, 92, 60, 26, 0), 20))
        node = oval(-28, 44, 7, 5.2, 0.3)
        field = field * (1 - 0.5 * inside(node + 0.4 * texture, 1.5)) + 0.14 * inside(np.abs(node) - 0.6)
    return f32(np.clip(field, 0.01, 1.4))


def angiogram(frames: int, seed: int, size: int = 512) -> list[Array]:
    """Coronary angiogram, left: transmission 0 … 1, contrast comes and goes; a narrowing in the LAD."""
    grid = f32(np.arange(size) - size / 2)
    x, y = grid[None, :], grid[:, None]
    cloud = Cloud(seed + 61, 48, 9.0)
    lung = 0.70 + 0.16 * np.tanh((np.abs(x + 0.3 * y + 30) - 110) / 60) + 0.03 * cloud.plane(1, size, size)
    spine = 0.12 * np.exp(-(((x - 150 + 0.1 * y) / 46) ** 2)) * (1 + 0.25 * np.cos(y / 17))
    ribs = sum(0.05 * np.exp(-(((y - 90 * k + 260 - 0.35 * x - 0.0006 * x * x) / 9) ** 2)) for k in range(6))
    heart = 0.16 / (1 + np.exp((np.hypot(x / 1.25 + 10, y - 20) - 150) / 16))
    still = lung - spine - ribs - heart
    vessels = (
        (((-120, -150), (-60, -120), (-30, -112)), 9.0, 0.0),
        (((-30, -112), (30, -95), (75, -40), (100, 30), (108, 110), (96, 180)), 6.6, 0.15),
        (((-30, -112), (-62, -60), (-88, 10), (-80, 90), (-50, 140)), 6.0, 0.15),
        (((30, -95), (80, -80), (135, -20), (160, 60)), 4.2, 0.35),
        (((75, -40), (50, 10), (44, 70)), 3.6, 0.45),
        (((100, 30), (140, 80), (150, 140)), 3.4, 0.55),
        (((-62, -60), (-20, -10), (0, 70), (14, 130)), 4.0, 0.4),
        (((-88, 10), (-120, 60), (-126, 120)), 3.4, 0.5),
    )
    out = []
    for frame in range(frames):
        t = frame / max(frames - 1, 1)
        beat = 1 + 0.035 * np.sin(2 * np.pi * frame / 8)
        iodine = np.zeros((size, size), np.float32)
        for points, radius, late in vessels:
            amount = np.clip((t - 0.12 - 0.25 * late) * 6, 0, 1) * np.clip((1.05 - t) * 3, 0, 1)
            if amount > 0:
                np.maximum(
                    iodine, f32(amount) * _vessel(x, y, points, radius, beat, radius == 6.6), out=iodine
                )
        catheter = _vessel(x, y, ((-250, -250), (-170, -190), (-120, -150)), 3.0, 1.0, False)
        picture = still * np.exp(-0.16 * iodine) * np.exp(-0.05 * catheter)
        out.append(f32(np.clip(picture, 0.02, 1)))
    return out


def _vessel(
    x: Array, y: Array, points: tuple[tuple[float, float], ...], radius: float, beat: float, narrow: bool
) -> Array:
    path = np.array(points, float) * beat
    cells = np.linspace(0, len(path) - 1, 6 * len(path))
    line = np.stack([np.interp(cells, np.arange(len(path)), path[:, i]) for i in (0, 1)], axis=1)
    for _ in range(3):
        line[1:-1] = 0.25 * line[:-2] + 0.5 * line[1:-1] + 0.25 * line[2:]
    out = np.zeros(np.broadcast_shapes(x.shape, y.shape), np.float32)
    for k, (p, q) in enumerate(zip(line, line[1:], strict=False)):
        r = radius * (1 - 0.55 * k / len(line))
        if narrow:
            r *= 1 - 0.62 * np.exp(-(((k - 9) / 1.5) ** 2))
        low, high = np.minimum(p, q) - r - 2, np.maximum(p, q) + r + 2
        i = slice(*np.searchsorted(y[:, 0], (low[1], high[1])))
        j = slice(*np.searchsorted(x[0], (low[0], high[0])))
        way = q - p
        t = np.clip(((x[:, j] - p[0]) * way[0] + (y[i] - p[1]) * way[1]) / (way @ way + 1e-6), 0, 1)
        gap = (x[:, j] - p[0] - t * way[0]) ** 2 + (y[i] - p[1] - t * way[1]) ** 2
        np.maximum(out[i, j], f32(np.sqrt(np.clip(r * r - gap, 0, None))), out=out[i, j])
    return out


def enlarge(picture: Array, rows: int, columns: int) -> Array:
    """Cubic enlargement of a picture whose border is empty."""
    return spread(picture.shape[0], rows) @ picture @ spread(picture.shape[1], columns).T
