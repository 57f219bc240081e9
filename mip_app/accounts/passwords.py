"""Password hashes: argon2id with the library's parameters (RFC 9106, low memory)."""

import secrets

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
    except (VerificationError, InvalidHashError):
        return False


def initial_password() -> tuple[str, str]:
    """A password to be shown once, and its hash."""
    password = random_password()
    return password, hashed(password)


def random_password() -> str:
    """Readable aloud: no 0/O, 1/l/I; 70 bits."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(5)) for _ in range(3))
