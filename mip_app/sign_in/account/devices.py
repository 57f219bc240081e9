"""Own sign-ins: on which devices, since when; and ending them."""

import re
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from mip_app.accounts import recognising, sessions
from mip_app.accounts.models import Institution, LoginSession
from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core.actor import Actor, Open, needs
from mip_app.core.clock import utc_now
from mip_app.core.errors import NotVisible

# The first that is named in what a browser says of itself: special ones before those they are made of.
_BROWSERS = (
    ("wxwork", "WeCom"),
    ("MicroMessenger", "WeChat"),
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("HarmonyOS", "HarmonyOS"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, slots=True)
class Device:
    id: int
    words: str  # Chrome · Windows; '' for what says nothing of itself
    phone: bool
    address: str  # masked
    since: str
    seen: str
    side: str
    method: str
    here: bool


class NoSuchDevice(NotVisible):
    code = "own.no_device"


@needs(Open.TO_SIGNED_IN)
def devices(session: Session, actor: Actor) -> list[Device]:
    """This one first, then as they were last active."""
    rows = session.exec(
        select(LoginSession)
        .where(LoginSession.user_id == actor.user, col(LoginSession.revoked_at).is_(None))
        .order_by(col(LoginSession.last_seen_at).desc())
        .limit(100)
    )
    zone, now = zone_of(session, actor), utc_now()
    found = [_device(row, actor, zone) for row in rows if recognising.alive(row, now)]
    return sorted(found, key=lambda device: not device.here)


@needs(Open.TO_SIGNED_IN)
def end_device(session: Session, actor: Actor, session_id: object) -> None:
    """Raises NoSuchDevice for what is not one's own."""
    number = session_id if isinstance(session_id, int) and abs(session_id) < 2**31 else 0
    row = session.get(LoginSession, number)
    if row is None or row.user_id != actor.user or row.revoked_at:
        raise NoSuchDevice()
    sessions.end_session(session, number)
    audit.record(session, actor, Act.SESSION_ENDED, f"session:{number}")


@needs(Open.TO_SIGNED_IN)
def end_others(session: Session, actor: Actor) -> None:
    sessions.end_sessions(session, [actor.user], but=actor.session_id)
    audit.record(session, actor, Act.SESSION_ENDED, "session:others")


def zone_of(session: Session, actor: Actor) -> ZoneInfo:
    row = session.get(Institution, actor.institution_id) if actor.institution_id else None
    return ZoneInfo(row.time_zone if row else "Asia/Shanghai")


def device_words(agent: str) -> str:
    """`Mozilla/5.0 (Windows NT 10.0; …) … Chrome/120 …` as Chrome · Windows."""
    found = (_named(agent, _BROWSERS), _named(agent, _SYSTEMS))
    return " · ".join(name for name in found if name)


def masked_address(address: str) -> str:
    """112.32.7.8 as 112.**.**.8; of an IPv6 address the network's beginning."""
    if parts := re.fullmatch(r"(\d+)\.\d+\.\d+\.(\d+)", address):
        return f"{parts[1]}.**.**.{parts[2]}"
    return f"{address.split(':')[0]}:**" if ":" in address else ""


def _named(agent: str, names: tuple[tuple[str, str], ...]) -> str:
    return next((name for word, name in names if word in agent), "")


def _device(row: LoginSession, actor: Actor, zone: ZoneInfo) -> Device:
    def shown(moment: datetime) -> str:
        return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"

    return Device(
        id=row.id or 0,
        words=device_words(row.device),
        phone=any(word in row.device for word in ("Mobile", "Android", "iPhone", "HarmonyOS")),
        address=masked_address(row.address),
        since=shown(row.created_at),
        seen=shown(row.last_seen_at),
        side=row.side,
        method=row.method,
        here=row.id == actor.session_id,
    )
