"""A raw event socket: what anybody can open who is not a browser."""

import queue
import time
import uuid
from typing import Any

import socketio

STATE = "reflex___state____state"


class RawSocket:
    """Speaks Reflex's protocol; keeps everything the server said."""

    def __init__(self, url: str, token: str = "", cookie: str = "") -> None:
        self.token = token or str(uuid.uuid4())
        self.heard: queue.Queue[Any] = queue.Queue()
        self.client = socketio.Client(reconnection=False)
        for name in ("event", "new_token", "reload"):
            self.client.on(
                name, lambda data=None, name=name: self.heard.put((name, data)), namespace="/_event"
            )
        headers = {"Cookie": cookie} if cookie else {}  # its transport adds the Origin
        self.client.connect(
            f"{url}/?token={self.token}",
            headers=headers,
            socketio_path="/_event",
            namespaces=["/_event"],
            transports=["websocket"],
            wait_timeout=5,
        )

    def send(self, handler: str, path: str = "/studies", **payload: Any) -> None:
        router = {"pathname": path, "asPath": path, "query": {}}
        event = {"name": handler, "payload": payload, "router_data": router, "token": self.token}
        self.client.emit("event", event, namespace="/_event")

    def hydrate(self, path: str = "/studies") -> None:
        self.send(f"{STATE}.hydrate", path)

    def answers(self, until: float = 3.0) -> str:
        """Everything said until nothing more comes for a while, as text."""
        said = []
        while True:
            try:
                said.append(self.heard.get(timeout=until))
                until = 0.7
            except queue.Empty:
                return repr(said)

    def hears(self, word: str, within: float) -> bool:
        """Whether the server says something with `word` in it before so many seconds are over."""
        end = time.monotonic() + within
        while (left := end - time.monotonic()) > 0:
            try:
                if word in repr(self.heard.get(timeout=left)):
                    return True
            except queue.Empty:
                break
        return False

    def __enter__(self) -> "RawSocket":
        return self

    def __exit__(self, *_: object) -> None:
        self.client.disconnect()
