"""Takes connections and makes associations of them, in one process."""

import contextlib
import selectors
import socket
import ssl
import threading
import time
from dataclasses import dataclass

from pynetdicom import AE, _config

from mip_app.core.logs import note
from mip_app.core.settings import settings
from mip_app.dimse.association import PDU_MOST, Association
from mip_app.dimse.slots import Slots

NEGOTIATED_WITHIN = 10.0  # seconds (ARTIM, PS3.8 9.1.5; the TLS handshake has as long)
LEAVES = 3.0  # seconds for what is being stored when the process ends
YIELD = 0.002  # seconds a process with one more association lets the others go first

# Of what is sent nothing is logged or kept by pynetdicom; it is patient data.
_config.LOG_HANDLER_LEVEL = "none"
_config.LOG_REQUEST_IDENTIFIERS = False
_config.LOG_RESPONSE_IDENTIFIERS = False


def application() -> AE:
    """Ourselves, as associations are told of us."""
    made = AE(settings().dimse_ae_title)
    made.maximum_pdu_size = PDU_MOST
    made.maximum_associations = 100_000  # `Slots` counts, over all processes
    made.acse_timeout = NEGOTIATED_WITHIN
    made.dimse_timeout = made.network_timeout = settings().dimse_idle_seconds
    return made


@dataclass(frozen=True, slots=True)
class Listening:
    socket: socket.socket
    tls: ssl.SSLContext | None = None


def tls_context() -> ssl.SSLContext | None:
    """As the settings say it; None: no TLS. Raises OSError, ssl.SSLError for files that cannot be used."""
    chosen = settings()
    if not chosen.dimse_tls_cert:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # the BCP 195 profiles of PS3.15 B.9 and later
    context.load_cert_chain(chosen.dimse_tls_cert, chosen.dimse_tls_key or None)
    if chosen.dimse_tls_ca:
        context.load_verify_locations(chosen.dimse_tls_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


class Acceptor:
    """Serves until it is stopped. Several processes may accept from the same sockets."""

    def __init__(self, listening: list[Listening], slots: Slots) -> None:
        self.listening, self.slots = listening, slots
        self.application = application()
        self._open: set[threading.Thread] = set()
        self._stop, self._stopping = socket.socketpair()

    def stop(self) -> None:
        """From a signal handler, too."""
        with contextlib.suppress(OSError):
            self._stopping.send(b"\0")

    def serve(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._stop, selectors.EVENT_READ)
            for one in self.listening:
                one.socket.setblocking(False)
                selector.register(one.socket, selectors.EVENT_READ, one)
            while True:
                found = selector.select()
                if any(key.data is None for key, _ in found):
                    break
                # The socket is everybody's: who has less to do is faster.
                time.sleep(min(len(self._open), 10) * YIELD)
                for key, _ in found:
                    self._accept(key.data)
        until = time.monotonic() + LEAVES
        while self._open and time.monotonic() < until:
            time.sleep(0.05)

    def _accept(self, listening: Listening) -> None:
        try:
            connection, address = listening.socket.accept()
        except OSError:  # somebody else was faster, or the caller is gone
            return
        # Before it is known who calls: half an association costs two threads, and strangers may come in numbers.
        if len(self._open) >= 2 * self.slots.most + 20:
            connection.close()
            return
        thread = threading.Thread(target=self._run, args=(connection, address, listening.tls), daemon=True)
        self._open.add(thread)
        thread.start()

    def _run(self, connection: socket.socket, address: tuple, tls: ssl.SSLContext | None) -> None:
        try:
            connection.settimeout(NEGOTIATED_WITHIN)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if tls is not None:
                connection = tls.wrap_socket(connection, server_side=True)
            connection.settimeout(settings().stall_seconds)
            Association(self.application, self.slots, connection, address).run()
        except OSError:  # gone, or no TLS
            pass
        except Exception as error:
            note(error)
        finally:
            with contextlib.suppress(OSError):
                connection.close()
            self._open.discard(threading.current_thread())
