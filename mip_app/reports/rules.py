"""Who may do what with a report in which state. Pure: a report's facts and a set of permissions come in."""

from typing import Protocol

from mip_app.core.actor import Permission as P

DONE_STATES = ("final", "amended")


class Facts(Protocol):
    @property
    def state(self) -> str: ...
    @property
    def amending(self) -> bool: ...
    @property
    def version(self) -> int: ...
    @property
    def released(self) -> int: ...


def may_write(report: Facts, permissions: frozenset[P]) -> bool:
    """A draft is its writers'; what is signed, or reopened after review, is the reviewers'."""
    if report.state == "draft":
        return P.REPORT_WRITE in permissions
    return P.REPORT_REVIEW in permissions and (report.state == "preliminary" or report.amending)


def acts(report: Facts, permissions: frozenset[P]) -> list[str]:
    """What the page offers; the services check again."""
    reviewer = P.REPORT_REVIEW in permissions
    done = report.state in DONE_STATES
    offered = {
        "write": may_write(report, permissions),
        "sign": report.state == "draft" and P.REPORT_SIGN in permissions,
        "review": report.state == "preliminary" and reviewer,
        "return": report.state == "preliminary" and reviewer,
        "amend": done and not report.amending and reviewer,
        "sign_amendment": report.amending and reviewer,
        "take_over": reviewer and may_write(report, permissions),
        "print": P.REPORT_PRINT in permissions and bool(printed_version(report, permissions)),
    }
    return [act for act, allowed in offered.items() if allowed]


def printed_version(report: Facts, permissions: frozenset[P]) -> int:
    """Reviewed text where there is any; else the last saved one for those who read drafts. 0: nothing to print."""
    if report.released:
        return report.released
    return report.version if P.REPORT_READ_DRAFT in permissions else 0
