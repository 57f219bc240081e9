"""Which role may do what. Pure rules: tables of permission sets."""

from collections.abc import Iterable, Mapping

from mip_app.accounts.models import Role
from mip_app.core.actor import ADMINISTRATIVE, Permission, Side
from mip_app.core.actor import Permission as P

_READING = {P.STUDY_READ, P.REPORT_READ}
_WRITING = _READING | {
    P.REPORT_READ_DRAFT,
    P.REPORT_WRITE,
    P.REPORT_SIGN,
    P.REPORT_PRINT,
    P.STUDY_UPLOAD,
    P.STUDY_SEND,
}
_AUDITING = {P.AUDIT_READ, P.AUDIT_EXPORT}

# As delivered. Those of OUTSIDE open accounts and see no patient data; nobody edits them.
PERMISSIONS: dict[Role, frozenset[P]] = {
    Role.OPERATOR: frozenset({P.ADMIN_ALLIANCES} | _AUDITING),
    Role.ALLIANCE_ADMIN: frozenset({P.ADMIN_INSTITUTIONS} | _AUDITING),
    Role.INSTITUTION_ADMIN: frozenset(
        _READING
        | {P.STUDY_UPLOAD, P.STUDY_SEND}
        | {P.ADMIN_ACCOUNTS, P.ADMIN_ROLES, P.ADMIN_INSTITUTION, P.ADMIN_NODES, P.ADMIN_DATA}
        | _AUDITING
    ),
    Role.REPORTER: frozenset(_WRITING),
    Role.REVIEWER: frozenset(_WRITING | {P.REPORT_REVIEW}),
    Role.CONSULTATION_REVIEWER: frozenset(_READING | {P.REPORT_PRINT, P.CONSULTATION_REVIEW}),
    Role.CLINICIAN: frozenset(_READING | {P.REPORT_PRINT}),
    Role.TECHNICIAN: frozenset({P.STUDY_READ, P.STUDY_UPLOAD, P.STUDY_SEND}),
    Role.AUDITOR: frozenset(_AUDITING),
}
OUTSIDE = frozenset({Role.OPERATOR, Role.ALLIANCE_ADMIN})
# What an institution may give to its people.
GRANTABLE = frozenset(P) - {P.ADMIN_ALLIANCES, P.ADMIN_INSTITUTIONS}

# A gateway or a DICOMweb client of the institution.
API_CLIENT = frozenset({P.STUDY_READ, P.STUDY_UPLOAD, P.REPORT_READ})


def permissions_of(
    roles: Iterable[str], extra: Iterable[str], sets: Mapping[str, Iterable[str]], *, inside: bool
) -> frozenset[P]:
    """All that a membership may. `sets`: what its institution made of roles; `inside`: whether it is in one."""
    words: set[str] = set(extra)
    for role in roles:
        words |= set(sets[role] if role in sets else PERMISSIONS.get(role, ()))  # type: ignore[call-overload]
    found = {Permission(word) for word in words if word in set(Permission)}
    return frozenset(found & GRANTABLE if inside else found & ADMINISTRATIVE)


def on_side(permissions: frozenset[P], side: Side) -> frozenset[P]:
    """What is left of them in a sign-in for that side."""
    return permissions & ADMINISTRATIVE if side is Side.ADMIN else permissions - ADMINISTRATIVE
