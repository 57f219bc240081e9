"""A patient's age as of a study. A pure rule."""

import re
from datetime import date

_RECORDED = re.compile(r"(\d{1,3})([YMWD])$")


def age_at(birth: date | None, studied: date | None, recorded: str = "") -> tuple[str, str]:
    """Number and unit (Y, M or D): years, under 2 years months, under 1 month days. ('', '') when unknown.

    `recorded` is PatientAge (PS3.5, VR AS), which counts where no birth date does.
    """
    if birth and studied and birth <= studied:
        months = (studied.year - birth.year) * 12 + studied.month - birth.month - (studied.day < birth.day)
        if months >= 24:
            return str(months // 12), "Y"
        return (str(months), "M") if months >= 1 else (str((studied - birth).days), "D")
    found = _RECORDED.match(recorded.strip())
    if not found:
        return "", ""
    number, unit = int(found[1]), found[2]
    return (str(number * 7), "D") if unit == "W" else (str(number), unit)
