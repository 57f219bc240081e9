"""Taking images in: received → checked → durable → committed → acknowledged, in this order and no other."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from itertools import islice

from mip_app.core.actor import Actor, Permission, needs
from mip_app.ingest.checking import Checked, check
from mip_app.ingest.committing import committer
from mip_app.ingest.outcome import Kind, Outcome, Source

__all__ = ["Kind", "Outcome", "Source", "take_in"]

TOGETHER = 16  # files acknowledged together; while they are committed the next are read
Batch = tuple[list[Checked | Outcome], "Future[list[Outcome]]"]


@needs(Permission.STUDY_UPLOAD)
def here(actor: Actor, batches: Iterable[list[Source]]) -> Iterator[list[Checked | Outcome]]:
    """Check files in this thread, one after the other."""
    return ([check(actor, source) for source in batch] for batch in batches)


@needs(Permission.STUDY_UPLOAD)
def take_in(
    actor: Actor,
    sources: Iterable[Source],
    checked_by: Callable[[Actor, Iterable[list[Source]]], Iterator[list[Checked | Outcome]]] = here,
) -> Iterator[Outcome]:
    """Store every file that is DICOM; one Outcome a file in their order, given only when it is durable and committed.

    A file that cannot go in never keeps another from going in. Memory stays flat: no file is read whole.
    """
    offered = iter(sources)
    batches = iter(lambda: list(islice(offered, TOGETHER)), [])
    return _take_in(actor, checked_by(actor, batches))


def _take_in(actor: Actor, batches: Iterator[list[Checked | Outcome]]) -> Iterator[Outcome]:
    waiting: deque[Batch] = deque()
    try:
        for checked in batches:
            waiting.append((checked, submit(actor, checked)))
            if len(waiting) > 1:
                yield from together(*waiting[0])
                waiting.popleft()
        for items, stored in waiting:
            yield from together(items, stored)
    finally:  # whoever leaves early leaves no file in its place without its row
        wait([stored for _, stored in waiting])


@needs(Permission.STUDY_UPLOAD)
def submit(actor: Actor, checked: "list[Checked | Outcome]", here: bool = False) -> "Future[list[Outcome]]":
    """Have the files among `checked` committed. `here`: the caller has nothing else to do."""
    return committer().submit(actor, [item for item in checked if isinstance(item, Checked)], here)


def together(checked: "list[Checked | Outcome]", stored: "Future[list[Outcome]]") -> Iterator[Outcome]:
    """One outcome for each of `checked`, in their order; waits until they are committed."""
    outcomes = iter(stored.result())
    for item in checked:
        yield next(outcomes) if isinstance(item, Checked) else item
