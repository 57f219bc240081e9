"""How many associations there are, over all processes: each writes its own into memory that they share."""

import mmap
import threading


class Slots:
    """Made before the processes part. Two who come at the same moment may be one too many."""

    def __init__(self, workers: int, most: int, most_of_node: int) -> None:
        self.most, self.most_of_node, self.workers = most, most_of_node, workers
        self._node_of = memoryview(mmap.mmap(-1, max(8 * workers * most, 8))).cast("q")
        self._lock = threading.Lock()
        self._mine: dict[int, int] = {}  # slot of each association of this process
        self._first = 0

    def belong_to(self, worker: int) -> None:
        """In a process that has just begun: which part it writes."""
        self._first = worker * self.most
        self._mine = {}
        self.empty(worker)

    def empty(self, worker: int) -> None:
        """It ended, however it did."""
        for slot in range(worker * self.most, (worker + 1) * self.most):
            self._node_of[slot] = 0

    def claim(self, association: int, node: int) -> bool:
        """A place for an association of this node; False: there are too many already."""
        with self._lock:
            taken = [one for one in self._node_of if one]
            if len(taken) >= self.most or taken.count(node) >= self.most_of_node:
                return False
            slot = next(n for n in range(self._first, self._first + self.most) if not self._node_of[n])
            self._node_of[slot] = node
            self._mine[association] = slot
            return True

    def release(self, association: int) -> None:
        with self._lock:
            slot = self._mine.pop(association, None)
            if slot is not None:
                self._node_of[slot] = 0

    def taken(self) -> int:
        """Of all processes."""
        return sum(1 for one in self._node_of if one)
