"""Which role may do what. A pure rule: a table of permission sets."""

from mip_app.accounts.models import Role
from mip_app.core.actor import Permission as P

_READING = {P.STUDY_READ, P.REPORT_READ}
_WRITING = _READING | {P.REPORT_READ_DRAFT, P.REPORT_WRITE, P.REPORT_SIGN, P.REPORT_PRINT, P.STUDY_UPLOAD}

PERMISSIONS: dict[Role, frozenset[P]] = {
    # Those who open accounts see no patient data.
    Role.OPERATOR: frozenset({P.ADMIN_ACCOUNTS}),
    Role.ALLIANCE_ADMIN: frozenset({P.ADMIN_ACCOUNTS}),
    Role.INSTITUTION_ADMIN: frozenset(_READING | {P.ADMIN_ACCOUNTS, P.AUDIT_READ, P.STUDY_UPLOAD}),
    Role.REPORTER: frozenset(_WRITING),
    Role.REVIEWER: frozenset(_WRITING | {P.REPORT_REVIEW}),
    Role.CLINICIAN: frozenset(_READING | {P.REPORT_PRINT}),
    Role.TECHNICIAN: frozenset({P.STUDY_READ, P.STUDY_UPLOAD}),
    Role.AUDITOR: frozenset({P.AUDIT_READ}),
}

# A gateway or a DICOMweb client of the institution.
API_CLIENT = frozenset({P.STUDY_READ, P.STUDY_UPLOAD, P.REPORT_READ})
