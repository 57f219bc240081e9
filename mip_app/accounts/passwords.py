"""Password hashes: argon2id with the library's parameters (RFC 9106, low memory)."""

import secrets
from typing import NamedTuple

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher()
# Verified when the account does not exist, so that both answers take the same time.
_NOBODY = _hasher.hash(secrets.token_urlsafe(24))


def hashed(password: str) -> str:
    return _hasher.hash(password)


def matches(password_hash: str | None, password: str) -> bool:
    """Whether `password` is the one; None (no such account) takes as long as a wrong one."""
    try:
        return _hasher.verify(password_hash or _NOBODY, password) and password_hash is not None
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False


class InitialPassword(NamedTuple):
    """Shown once to whoever opens the account; stored as its hash."""

    shown: str
    hashed: str


def initial_password() -> InitialPassword:
    """Made outside of any transaction: the hash takes 50 ms on purpose."""
    shown = random_password()
    return InitialPassword(shown, hashed(shown))


def random_password() -> str:
    """Readable aloud: no 0/O, 1/l/I; 70 bits."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(5)) for _ in range(3))
