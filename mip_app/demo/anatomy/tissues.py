"""What tissues measure on CT, in HU, and shapes given by a few heights."""

import numpy as np

FAT, MUSCLE, LUNG = -102.0, 54.0, -862.0


def table(z: float, rows: tuple[tuple[float, float], ...]) -> float:
    """The value at height z between (height, value) pairs, lowest first."""
    return float(np.interp(z, [r[0] for r in rows], [r[1] for r in rows]))
