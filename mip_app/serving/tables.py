"""Every feature's tables, for migrations and for a fresh database."""

from mip_app.accounts import models as accounts
from mip_app.audit import models as audit
from mip_app.core import bus
from mip_app.dimse import models as dimse
from mip_app.jobs import models as jobs
from mip_app.maintenance import models as maintenance
from mip_app.messages import models as messages
from mip_app.reports import models as reports
from mip_app.sign_in import models as sign_in
from mip_app.studies import models as studies

__all__ = [
    "accounts",
    "audit",
    "bus",
    "dimse",
    "jobs",
    "maintenance",
    "messages",
    "reports",
    "sign_in",
    "studies",
]
