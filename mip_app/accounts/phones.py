"""Phone numbers of staff: one spelling, sealed at rest, shown masked."""

import re

from mip_app.core.sealing import blind_index, seal, unseal

_PURPOSE = "user.phone"
_MOBILE = re.compile(r"1[3-9]\d{9}")


def normalised(text: str) -> str:
    """`138 0000 0000`, `+86-138…`, `0086138…` as 11 digits; '' for what is no mobile number of China."""
    digits = re.sub(r"[\s\-()]", "", text)
    digits = re.sub(r"^(\+86|0086|86(?=1\d{10}$))", "", digits)
    return digits if _MOBILE.fullmatch(digits) else ""


def masked(phone: str) -> str:
    return f"{phone[:3]}****{phone[-4:]}" if phone else ""


def sealed(phone: str, user_id: int) -> str:
    return seal(phone, _PURPOSE, user_id)


def opened(sealed_phone: str, user_id: int) -> str:
    return unseal(sealed_phone, _PURPOSE, user_id)


def index_of(phone: str) -> str:
    return blind_index(phone, _PURPOSE)
