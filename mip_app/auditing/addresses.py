"""Where somebody acted from, as far as the log's readers are told. Pure."""

import ipaddress


def masked(address: str) -> str:
    """112.**.**.8; an address inside of the house names a desk, not a person's line, and stays whole."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address[:40]
    if known.is_private:
        return address
    if known.version == 4:
        first, *_, last = address.split(".")
        return f"{first}.**.**.{last}"
    return address.split(":")[0] + ":**:" + address.split(":")[-1]
