"""What was decided about data: before and after, so that it can be taken back."""

from datetime import datetime

from sqlalchemy import JSON, Index
from sqlmodel import Field, SQLModel

from mip_app.core.columns import Utc


class DataChange(SQLModel, table=True):
    """One decision. Rows are added and marked as undone, never removed."""

    __table_args__ = (Index("data_change_by_time", "institution_id", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    institution_id: int = Field(foreign_key="institution.id")
    kind: str  # merge, apart, correct, accession, move, accept
    conflict_id: int | None = None
    at: datetime = Field(sa_type=Utc)
    by_id: int | None = None
    by: str = ""
    why: str = ""
    summary: dict[str, object] = Field(default_factory=dict, sa_type=JSON)  # for the page: who, old, new
    before: dict[str, object] = Field(
        default_factory=dict, sa_type=JSON
    )  # rows as they were: see changing.py
    undone_at: datetime | None = Field(default=None, sa_type=Utc)
    undone_by: str = ""
