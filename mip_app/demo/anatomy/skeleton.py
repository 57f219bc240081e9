"""Bones of the trunk as tubes and blobs: ribs along the cage, vertebrae by level, breastbone, shoulder girdle."""

from collections.abc import Callable

import numpy as np

from mip_app.demo.anatomy.canvas import Array, Canvas, Tubes, f32

# Middle of T1 … T12, L1 … L5 and of the sacrum; 0 is the carina.
LEVELS = (80, 57, 33, 9, -15, -39, -64, -89, -115, -142, -170, -199, -229, -260, -292, -324, -357)
SPINE_Y = ((-370, 42), (-300, 34), (-230, 40), (-150, 54), (-60, 61), (30, 56), (80, 40), (120, 24))
CORTEX, MARROW, CARTILAGE, DISC = 760.0, 135.0, 105.0, 82.0


def spine_y(z: float) -> float:
    """How far back the middle of the vertebral body lies at height z."""
    ordered = sorted(SPINE_Y)
    return float(np.interp(z, [p[0] for p in ordered], [p[1] for p in ordered]))


def ribs(cage: Callable[[float, Array], Array]) -> tuple[Tubes, Tubes]:
    """Twelve pairs sloping down to the front, and the cartilages that rise to the breastbone.

    `cage(z, angle)` is the radius of the chest cavity, angle from the patient's left towards the back.
    """
    bones, cartilages = [], []
    reach = (2.3, 2.62, 2.72, 2.72, 2.68, 2.6, 2.5, 2.4, 2.25, 2.05, 1.55, 1.0)
    drop = (34, 50, 62, 70, 76, 80, 84, 86, 84, 78, 60, 38)
    for k in range(12):
        turn = np.linspace(0.28, reach[k], 22)
        z = LEVELS[k] + 3 - drop[k] * ((turn - 0.28) / 2.4) ** 1.15
        for side in (1, -1):
            angle = f32(np.pi / 2 - turn)
            radius = np.array([float(cage(h, angle[i : i + 1])[0]) for i, h in enumerate(z)]) + 5.2
            x, y = side * radius * np.cos(angle), radius * np.sin(angle)
            head = [side * 17.0, spine_y(LEVELS[k]) + 10, LEVELS[k] + 5]
            neck = [side * 27.0, spine_y(LEVELS[k]) + 19, LEVELS[k] + 5]
            path = np.concatenate([[head, neck], np.stack([x, y, z], axis=1)[1:]])
            bones.append(Tubes.along(path, 4.1 if k else 5.0, squash=0.68))
            if k < 7:
                front = -float(cage(z[-1], f32([-np.pi / 2]))[0])
                end = [side * 18.0, front - 3, 30 - 21 * k]
                bend = [(path[-1][0] + end[0]) / 2, (path[-1][1] + front) / 2 - 5, min(z[-1], end[2]) + 2]
                cartilages.append(Tubes.along([path[-1], bend, end], 4.3, squash=0.75))
    return Tubes.join(bones), Tubes.join(cartilages)


def girdle() -> tuple[Tubes, Tubes]:
    """(Round bones: clavicles, scapular spine and neck; the thin blade of the scapula), arms raised."""
    round_bones, blade = [], []
    for side in (1, -1):
        clavicle = [(side * 14, -66, 44), (side * 45, -70, 58), (side * 85, -44, 74), (side * 122, -18, 86)]
        round_bones.append(Tubes.along(clavicle, 5.6))
        spine = [(side * 84, 86, 56), (side * 112, 74, 70), (side * 136, 30, 88), (side * 140, 2, 92)]
        round_bones.append(Tubes.along(spine, 4.2, squash=0.7))
        lateral = [(side * 134, 18, 74), (side * 141, 38, 40), (side * 136, 62, -5), (side * 122, 80, -42)]
        round_bones.append(Tubes.along(lateral, 4.0, squash=0.7))
        for z in np.arange(-40, 72, 5.0):
            t = (z + 40) / 112
            inner = (side * (118 - 34 * np.sin(np.pi * (0.15 + 0.75 * t))), 88 - 4 * t, z)
            outer = (
                side * np.interp(z, [-42, -5, 40, 74], [122, 136, 141, 134]),
                np.interp(z, [-42, 40, 74], [80, 40, 20]),
                z,
            )
            mid = ((inner[0] + outer[0]) / 2 + side * 2, (inner[1] + outer[1]) / 2 + 6, z)
            blade.append(Tubes.along([inner, mid, outer], 1.9, squash=0.45))
    return Tubes.join(round_bones), Tubes.join(blade)


def paint_tubes(
    canvas: Canvas, tubes: Tubes, grain: Array, shell: float = 1.5, cortex: float = CORTEX
) -> None:
    """Cortex, then marrow inside it."""
    canvas.fill(canvas.stamp(tubes), cortex)
    canvas.fill(canvas.stamp(tubes.grown(-shell)), MARROW + 45 * grain)


def level_at(z: float) -> tuple[int, float]:
    """(Which vertebra, how high within it: -1 the lower end plate's disc, 1 the upper's)."""
    k = int(np.argmin([abs(z - level) for level in LEVELS]))
    pitch = (
        abs(LEVELS[max(k - 1, 0)] - LEVELS[max(k, 1)])
        if z > LEVELS[k]
        else abs(LEVELS[k] - LEVELS[min(k + 1, 16)] if k < 16 else 33)
    )
    return k, 2 * (z - LEVELS[k]) / max(pitch, 1)


def paint_spine(canvas: Canvas, grain: Array, back_limit: float) -> None:
    """Vertebra, canal, arch and processes of the level this slice cuts, or the disc between two.

    `back_limit`: the y that no process may pass.
    """
    z = canvas.z
    k, t = level_at(z)
    y = spine_y(z)
    wide = float(np.interp(k, [0, 4, 11, 16], [15.5, 14.5, 20, 25]))
    deep = wide * 0.8
    box = canvas.box(-45, 45, y - 30, y + 62)
    part, x, yy = canvas.value[box], canvas.x[:, box[1]], canvas.y[box[0]] - y
    speck = grain[box]

    def fill(distance: Array, value: float | Array) -> None:
        share = canvas.cover(distance)
        part[:] += share * (value - part)

    waist = 1 - 0.07 * (1 - abs(t)) if abs(t) < 0.8 else 1.0
    body = f32((np.sqrt((x / (wide * waist)) ** 2 + (yy / (deep * waist)) ** 2) - 1) * deep)
    notch = f32(8.5 - np.sqrt(x * x + (yy - deep - 6) ** 2))
    body = np.maximum(body, notch)
    if abs(t) > 0.84:
        fill(body, DISC + 12 * speck)
    else:
        plate = 260.0 if abs(t) > 0.72 else 0.0
        fill(body, CORTEX * 0.75)
        fill(body + 1.3, MARROW + plate + 50 * speck)
    canal = f32(np.sqrt(x * x + ((yy - deep - 8) / 0.9) ** 2) - 8.5)
    lower = t < 0.25
    if lower:  # lamina and spinous process hang below their body
        ring = np.maximum(canal - 5, -(yy - deep - 8))
        fill(ring, CORTEX)
        fill(ring + 1.6, MARROW + 30 * speck)
    tip = min(deep + 15 + (27 if k < 11 else 30) * (0.55 - 0.45 * t), back_limit - y)
    back = np.abs(x) - (2.6 if k < 11 else 3.2) - 1.8 * np.clip(1 - ((yy - tip + 5) / 5) ** 2, -0.6, 1)
    spinous = np.maximum(np.maximum(back, yy - tip), deep + 14 - yy)
    if t < 0.45:
        fill(spinous, CORTEX * 0.8)
        fill(spinous + 1.2, MARROW + 60)
    if -0.1 < t < 0.75:  # pedicles and transverse processes
        for side in (1, -1):
            px, pedicle_x = x * side, wide * 0.62
            fill(np.maximum(np.abs(px - pedicle_x) - 4.2, np.abs(yy - deep - 2) - 8), CORTEX)
            fill(np.maximum(np.abs(px - pedicle_x) - 2.6, np.abs(yy - deep - 2) - 7), MARROW + 80)
            along = np.clip((px - pedicle_x) / 24, 0, 1)
            out = np.sqrt(
                (px - pedicle_x - 24 * along) ** 2 + (yy - deep - 11 - (7 if k < 11 else 1) * along) ** 2
            )
            fill(f32(out - 3.6), CORTEX * 0.85)
            fill(f32(out - 2.2), MARROW + 60)
    if t < 0 or t > 0.75:  # facet joints
        for side in (1, -1):
            facet = np.sqrt(((x * side - wide * 0.78) / 5) ** 2 + ((yy - deep - 11) / 6) ** 2)
            fill(f32((facet - 1) * 5), CORTEX * 0.95)
    fill(canal, 12.0)
    fill(f32(np.sqrt((x / 1.25) ** 2 + (yy - deep - 8) ** 2) - (4.6 if z > -215 else 2.5)), 38.0)


def paint_sternum(canvas: Canvas, front: float, grain: Array) -> None:
    """Manubrium, body and xiphoid; `front` is the y of the chest cavity's front wall."""
    z = canvas.z
    if not -135 < z < 40:
        return
    half = float(np.interp(z, [-135, -120, -60, -12, -8, -4, 25, 40], [4, 9, 18, 16, 13, 17, 29, 24]))
    thick = float(np.interp(z, [-135, -110, 0, 40], [3, 4.6, 5.6, 6.5]))
    y = front - 6.5
    box = canvas.box(-45, 45, y - 14, y + 14)
    part, x = canvas.value[box], np.abs(canvas.x[:, box[1]])
    level = ((x / half) ** 4 + (np.abs(canvas.y[box[0]] - y - 0.0035 * x * x) / thick) ** 4) ** 0.25
    gap = f32((level - 1) * thick)
    for shell, value in ((0.0, CORTEX * 0.75), (1.2, MARROW - 20)):
        share = canvas.cover(gap + shell)
        part += share * (value + 40 * grain[box] - part)
