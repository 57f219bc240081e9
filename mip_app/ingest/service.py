"""Taking images in: received → checked → durable → committed → acknowledged, in this order and no other."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from itertools import islice

from mip_app.core.actor import Actor, Permission, needs
from mip_app.ingest.checking import Checked, check
from mip_app.ingest.committing import committer
from mip_app.ingest.outcome import Kind, Outcome, Source

__all__ = ["Kind", "Outcome", "Source", "take_in"]

TOGETHER = 16  # files acknowledged together; while they are committed the next are read
Batch = tuple[list[Checked | Outcome], "Future[list[Outcome]]"]


@needs(Permission.STUDY_UPLOAD)
def take_in(actor: Actor, sources: Iterable[Source]) -> Iterator[Outcome]:
    """Store every file that is DICOM; one Outcome a file, given only when it is durable and committed.

    A file that cannot go in never keeps another from going in. Memory stays flat: one file at a time is read.
    """
    return _take_in(actor, sources)


def _take_in(actor: Actor, sources: Iterable[Source]) -> Iterator[Outcome]:
    offered = iter(sources)
    waiting: deque[Batch] = deque()
    while batch := list(islice(offered, TOGETHER)):
        checked = [check(actor, source) for source in batch]
        waiting.append((checked, submit(actor, checked)))
        if len(waiting) > 1:
            yield from together(*waiting.popleft())
    for items, stored in waiting:
        yield from together(items, stored)


@needs(Permission.STUDY_UPLOAD)
def submit(actor: Actor, checked: "list[Checked | Outcome]", here: bool = False) -> "Future[list[Outcome]]":
    """Have the files among `checked` committed. `here`: the caller has nothing else to do."""
    return committer().submit(actor, [item for item in checked if isinstance(item, Checked)], here)


def together(checked: "list[Checked | Outcome]", stored: "Future[list[Outcome]]") -> Iterator[Outcome]:
    """One outcome for each of `checked`, in their order; waits until they are committed."""
    outcomes = iter(stored.result())
    for item in checked:
        yield next(outcomes) if isinstance(item, Checked) else item
