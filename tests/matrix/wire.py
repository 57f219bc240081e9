"""The event socket, bare: engine.io and socket.io by hand, so that opening one costs milliseconds."""

import itertools
import json
import uuid
from typing import Any

import websocket

ROOT = "reflex___state____state"
TAB = f"{ROOT}.mip_app___core___gate____tab"
TROUBLE = f"{ROOT}.mip_app___ui___trouble____trouble"


class Wire:
    """One tab of somebody. `ask` gives what the server says because of an event, as deltas."""

    def __init__(self, url: str, cookie: str = "", waits: float = 20) -> None:
        self.token, self.waits = str(uuid.uuid4()), waits
        self._marks = itertools.count(1)
        self.socket = websocket.create_connection(
            f"{url.replace('http', 'ws', 1)}/_event/?token={self.token}&EIO=4&transport=websocket",
            origin=url,
            cookie=cookie or None,
            timeout=waits,
        )
        self._next()
        self.socket.send("40/_event,{}")
        while not self._next().startswith("40/_event"):
            pass

    def ask(
        self, handler: str, path: str, query: dict[str, str], payload: dict[str, Any], further: int = 1
    ) -> list[dict[str, Any]]:
        """`further`: how many times an event brings on others, such as the page's word on an error."""
        self.send(handler, path, query, payload)
        return [delta for _ in range(1 + further) for delta in self.answers()]

    def answers(self) -> list[dict[str, Any]]:
        """What is said because of all that was sent."""
        # Events of a tab are worked off in their order, and not every one answers: one that does is sent behind.
        mark = f"mark{next(self._marks)}"
        self.send(f"{TROUBLE}.say", "/studies", {}, {"number": mark})
        deltas: list[dict[str, Any]] = []
        while (said := self._next_or_end(deltas)) is not None:
            if not said.startswith('42/_event,["event",'):
                deltas.append({"said": said})
                continue
            update = json.loads(said[len("42/_event,") :])[1]
            delta = {ROOT: {}} | (update.get("delta") or {})
            if delta.get(TROUBLE, {}).get("number_rx_state_") == mark:
                del delta[TROUBLE]["number_rx_state_"], delta[ROOT]
                return [*deltas, delta] if any(delta.values()) else deltas  # what was waiting to be said
            deltas.append(delta | ({"events": update["events"]} if update.get("events") else {}))
        return deltas

    def answers_late(self, times: int = 100) -> list[dict[str, Any]]:
        """What work beside the events says, sooner or later; nothing where it has nothing to say."""
        for _ in range(times):
            if deltas := self.answers():
                return deltas
        return []

    def _next_or_end(self, deltas: list[dict[str, Any]]) -> str | None:
        """A tab whose sign-in is over is told that and nothing more."""
        if not any(delta.get(TAB, {}).get("ended_rx_state_") for delta in deltas):
            return self._next()
        self.socket.settimeout(1)
        try:
            return self._next()
        except websocket.WebSocketTimeoutException:
            return None
        finally:
            self.socket.settimeout(self.waits)

    def send(self, handler: str, path: str, query: dict[str, str], payload: dict[str, Any]) -> None:
        router = {"pathname": path, "asPath": path, "query": query}
        event = {"name": handler, "payload": payload, "router_data": router, "token": self.token}
        self.socket.send("42/_event," + json.dumps(["event", event]))

    def _next(self) -> str:
        while True:
            said = self.socket.recv()
            text = said.decode() if isinstance(said, bytes) else said
            if text != "2":  # a ping
                return text
            self.socket.send("3")

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
