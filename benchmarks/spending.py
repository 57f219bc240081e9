"""What a server has used of the cores: on a machine that does other work too, this says more than the clock."""

import psutil


def spent(server: int) -> float:
    """Milliseconds of a core, of the process and all its children, so far."""
    parent = psutil.Process(server)
    everyone = (parent, *parent.children(recursive=True))
    return sum(sum(one.cpu_times()[:2]) for one in everyone) * 1000
