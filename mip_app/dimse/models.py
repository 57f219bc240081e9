"""The applications that speak DIMSE with us: modalities, archives, workstations."""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from mip_app.core.columns import Utc

_CALLS = text("may_store OR may_query OR may_retrieve")


class Node(SQLModel, table=True):
    """An application entity (PS3.8), of one institution. Its title together with its address says who calls.

    What it may do besides C-ECHO is said one by one; a new one may store and nothing else. One that may do nothing is
    called only: an archive that several institutions send to.
    """

    __table_args__ = (
        UniqueConstraint("institution_id", "ae_title", "address", name="node_of_one"),
        # Or a caller would be two institutions'.
        Index(
            "node_that_calls",
            "ae_title",
            "address",
            unique=True,
            sqlite_where=_CALLS,
            postgresql_where=_CALLS,
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    institution_id: int = Field(foreign_key="institution.id", index=True)
    name: str = ""  # for people: CT 1, 放射科
    ae_title: str  # at most 16 characters, without spaces at its ends
    address: str  # IP address or network (192.0.2.0/28) it calls from; a host name only where we call it
    port: int = 0  # where it listens; 0: it only calls
    tls: bool = False  # whether we call it by TLS
    may_store: bool = True
    may_query: bool = False  # C-FIND
    may_retrieve: bool = False  # C-GET, and C-MOVE to nodes of the same institution
    disabled: bool = False
    last_seen_at: datetime | None = Field(default=None, sa_type=Utc)

    @property
    def calls(self) -> bool:
        """Whether it may do something here."""
        return self.may_store or self.may_query or self.may_retrieve
