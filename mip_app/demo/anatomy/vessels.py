"""Trees that fill a lung: targets strewn in it, joined to the nearest branch, thicker where more hangs on."""

from collections.abc import Callable

import numpy as np

from mip_app.demo.anatomy.canvas import Array, Point, Tubes, f32

Inside = Callable[[Array, Array, Array], Array]


def strew(random: np.random.Generator, inside: Inside, low: Point, high: Point, count: int) -> Array:
    """`count` points where `inside(x, y, z)` is true."""
    found: list[Array] = []
    total = 0
    while total < count:
        points = f32(random.uniform(low, high, (count * 4, 3)))
        kept = points[inside(points[:, 0], points[:, 1], points[:, 2])]
        found.append(kept)
        total += len(kept)
    return np.concatenate(found)[:count]


def grow(points: Array, root: Point, thin: float, thick: float, economy: float = 0.35) -> tuple[Tubes, Array]:
    """A tree from `root` over the points, and for each piece the number of twigs it feeds.

    Each step takes the free point that is cheapest to reach: its distance to a branch plus
    `economy` × the way from there to the root (short total length against short ways).
    """
    nodes = np.concatenate([f32([root]), points])
    count = len(nodes)
    parent = np.zeros(count, int)
    way = np.full(count, np.inf)
    way[0] = 0.0
    cost = np.linalg.norm(nodes - nodes[0], axis=1)
    cost[0] = np.inf
    order = []
    for _ in range(count - 1):
        i = int(np.argmin(cost))
        way[i] = way[parent[i]] + float(np.linalg.norm(nodes[i] - nodes[parent[i]]))
        cost[i] = np.inf
        order.append(i)
        reach = np.linalg.norm(nodes - nodes[i], axis=1) + economy * way[i]
        better = (reach < cost) & np.isfinite(cost)
        cost[better], parent[better] = reach[better], i
    load = np.ones(count)
    for i in reversed(order):
        load[parent[i]] += load[i]
    smooth = nodes.copy()
    for i in order:  # a gentle pull between neighbours: branches curve instead of jagging
        if parent[i]:
            smooth[i] = 0.6 * nodes[i] + 0.4 * smooth[parent[i]]
    radius = np.minimum(thin * load**0.4, thick)
    ends = np.array(order)
    begin = parent[ends]
    width = np.minimum(radius[begin], radius[ends] * 1.3)
    cuts = np.ceil(np.linalg.norm(smooth[ends] - smooth[begin], axis=1) / 7.0 + 1e-6).astype(int)
    which = np.repeat(np.arange(len(ends)), cuts)  # one row for each piece of at most 7 mm
    step = (np.arange(len(which)) - np.repeat(np.cumsum(cuts) - cuts, cuts)) / cuts[which]
    low, high = step[:, None], (step + 1 / cuts[which])[:, None]
    way = (smooth[ends] - smooth[begin])[which]
    radii = width[which] + (step + 0.5 / cuts[which]) * (radius[ends] - width)[which]
    tubes = Tubes(f32(smooth[begin][which] + low * way), f32(smooth[begin][which] + high * way), f32(radii))
    return tubes, f32(load[ends][which])


def beside(tubes: Tubes, load: Array, least: float) -> tuple[Tubes, Tubes]:
    """(Walls, lumina) of the airways that run beside the arteries feeding at least `least` twigs."""
    big = load >= least
    start, end, radius = tubes.start[big], tubes.end[big], tubes.radius[big]
    lumen = radius * 0.78
    offset = np.zeros_like(start)
    offset[:, 1] = lumen + radius + 0.6
    return (
        Tubes(start + offset, end + offset, f32(lumen + 0.55)),
        Tubes(start + offset, end + offset, f32(lumen)),
    )
