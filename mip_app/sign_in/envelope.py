"""The letters WeChat posts to an official account: signed, and sealed in the safe mode. Pure rules.

https://developers.weixin.qq.com/doc/oplatform/Third-party_Platforms/2.0/api/Before_Develop/Technical_Plan.html
"""

import base64
import hashlib
import hmac
import os
import re
import struct
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

FRESH = 300  # seconds
BLOCK = 256  # bits: their padding goes to 32 bytes
_AES_KEY = re.compile(r"[A-Za-z0-9]{43}")
_NAME = re.compile(r"[\w-]{1,128}", re.ASCII)


class BadLetter(ValueError):
    """Not from WeChat, not for this account, or not what a letter looks like."""


@dataclass(frozen=True, slots=True)
class Event:
    to: str
    openid: str
    kind: str  # subscribe, SCAN, …; '' for messages
    key: str


def is_aes_key(text: str) -> bool:
    return _AES_KEY.fullmatch(text) is not None


def signature(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


def is_signed(given: str, *parts: str) -> bool:
    return hmac.compare_digest(given.encode(), signature(*parts).encode())


def is_fresh(timestamp: str, now: float) -> bool:
    return timestamp.isascii() and timestamp.isdigit() and abs(now - int(timestamp[:12])) <= FRESH


def fields(letter: bytes) -> dict[str, str]:
    """The elements of a flat letter. Raises BadLetter, also for any document type of its own."""
    try:
        root = fromstring(letter, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise BadLetter() from error
    return {element.tag: (element.text or "") for element in root}


def event_of(found: dict[str, str]) -> Event:
    """Raises BadLetter where sender or receiver is no name."""
    to, openid = found.get("ToUserName", ""), found.get("FromUserName", "")
    if not _NAME.fullmatch(to) or not _NAME.fullmatch(openid):
        raise BadLetter()
    kind = found.get("Event", "") if found.get("MsgType") == "event" else ""
    return Event(to, openid, kind[:64], found.get("EventKey", "")[:128])


def scene_of(event: Event) -> str:
    """The scene of the code that was scanned, or ''."""
    if event.kind == "subscribe":
        return event.key.removeprefix("qrscene_") if event.key.startswith("qrscene_") else ""
    return event.key if event.kind == "SCAN" else ""


def opened(sealed: str, aes_key: str, app_id: str) -> bytes:
    """The letter inside `Encrypt`. Its signature was checked before. Raises BadLetter."""
    key = base64.b64decode(aes_key + "=")
    try:
        decryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
        padded = decryptor.update(base64.b64decode(sealed, validate=True)) + decryptor.finalize()
        unpadder = PKCS7(BLOCK).unpadder()
        plain = unpadder.update(padded) + unpadder.finalize()
        (length,) = struct.unpack(">I", plain[16:20])
    except (ValueError, struct.error) as error:
        raise BadLetter() from error
    letter, addressee = plain[20 : 20 + length], plain[20 + length :]
    if len(letter) != length or not hmac.compare_digest(addressee, app_id.encode()):
        raise BadLetter()
    return letter


def sealed(letter: bytes, aes_key: str, app_id: str) -> str:
    key = base64.b64decode(aes_key + "=")
    padder = PKCS7(BLOCK).padder()
    plain = os.urandom(16) + struct.pack(">I", len(letter)) + letter + app_id.encode()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    secret = encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()
    return base64.b64encode(secret).decode()


def reply(event: Event, text: str, now: int) -> bytes:
    """A text to whoever sent `event`."""
    return (
        f"<xml><ToUserName><![CDATA[{event.openid}]]></ToUserName>"
        f"<FromUserName><![CDATA[{event.to}]]></FromUserName><CreateTime>{now}</CreateTime>"
        f"<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{text.replace(']]>', '')}]]></Content></xml>"
    ).encode()


def sealed_reply(letter: bytes, token: str, aes_key: str, app_id: str, now: int) -> bytes:
    secret, nonce = sealed(letter, aes_key, app_id), os.urandom(8).hex()
    signed = signature(token, str(now), nonce, secret)
    return (
        f"<xml><Encrypt><![CDATA[{secret}]]></Encrypt><MsgSignature><![CDATA[{signed}]]></MsgSignature>"
        f"<TimeStamp>{now}</TimeStamp><Nonce><![CDATA[{nonce}]]></Nonce></xml>"
    ).encode()
