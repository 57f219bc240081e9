"""Encryption at rest of what identifies a person, and finding it again.

AES-GCM with a key derived for each purpose from the master key; the sealed text names its key, and is bound to
its purpose and row, so that it opens nowhere else. `blind_index` finds equal values without opening any.
"""

import base64
import hashlib
import hmac
import os
import secrets
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from mip_app.core.errors import MipError
from mip_app.core.settings import settings


class CannotOpen(MipError):
    """Sealed with another master key, or for another row."""

    code = "error.sealed_otherwise"


def seal(text: str, purpose: str, row: object) -> str:
    """`<key id>.<base64>`; '' stays ''. `row`: what the value belongs to, for example its primary key."""
    if not text:
        return ""
    nonce = os.urandom(12)
    sealed = AESGCM(key_for(purpose)).encrypt(nonce, text.encode(), _bound(purpose, row))
    return f"{key_id()}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"


def unseal(sealed: str, purpose: str, row: object) -> str:
    """What `seal` was given. Raises CannotOpen."""
    if not sealed:
        return ""
    named, _, packed = sealed.partition(".")
    if named != key_id():
        raise CannotOpen()
    data = base64.urlsafe_b64decode(packed)
    try:
        return AESGCM(key_for(purpose)).decrypt(data[:12], data[12:], _bound(purpose, row)).decode()
    except InvalidTag as error:
        raise CannotOpen() from error


def blind_index(text: str, purpose: str) -> str:
    """The same for equal texts, telling nothing without the master key; '' for ''."""
    return hmac.new(key_for(f"index:{purpose}"), text.encode(), "sha256").hexdigest() if text else ""


def key_for(purpose: str) -> bytes:
    """256 bits for one purpose alone (HKDF, RFC 5869)."""
    return _derived(_master(), purpose)


def key_id() -> str:
    return hashlib.sha256(b"mip key id" + _master()).hexdigest()[:8]


@cache
def _derived(master: bytes, purpose: str) -> bytes:
    return HKDF(hashes.SHA256(), 32, None, purpose.encode()).derive(master)


def _bound(purpose: str, row: object) -> bytes:
    return f"{purpose}:{row}".encode()


def _master() -> bytes:
    given = settings().secret_key.get_secret_value()
    return given.encode() if given else _kept(str(settings().data_dir))


@cache
def _kept(folder: str) -> bytes:
    """The key file of a data folder, made at first use: mode 0600, whole or not at all."""
    path = os.path.join(folder, "secret.key")
    if not os.path.exists(path):
        os.makedirs(folder, exist_ok=True)
        part = f"{path}.{secrets.token_hex(8)}"
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_hex(32).encode())
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(part, path)  # fails where another process was faster: then its key counts
        except FileExistsError:
            pass
        finally:
            os.unlink(part)
    with open(path, "rb") as file:
        return file.read().strip()
