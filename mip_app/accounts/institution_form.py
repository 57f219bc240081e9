"""What an institution says of itself, as typed."""

from dataclasses import asdict, dataclass
from typing import Any

from mip_app.accounts import entries
from mip_app.accounts.models import Institution

LEVELS = ("三级甲等", "三级乙等", "三级", "二级甲等", "二级乙等", "二级", "一级", "未定级")


@dataclass(frozen=True, slots=True)
class InstitutionForm:
    name: str
    name_en: str
    level: str
    address: str
    phone: str
    time_zone: str

    @classmethod
    def of(cls, form: entries.Form) -> "InstitutionForm":
        """Raises Invalid, naming the field."""
        return cls(
            name=entries.line(form, "name", 60, required=True),
            name_en=entries.line(form, "name_en", 120),
            level=entries.line(form, "level", 20),
            address=entries.line(form, "address", 120),
            phone=entries.line(form, "phone", 40),
            time_zone=entries.time_zone(form),
        )

    def values(self) -> dict[str, Any]:
        return asdict(self)

    def put(self, row: Institution) -> list[str]:
        """Fill the row; gives the names of what changed."""
        changed = [name for name, value in self.values().items() if getattr(row, name) != value]
        for name in changed:
            setattr(row, name, getattr(self, name))
        return changed
