"""An association that waits for what happens. pynetdicom's looks at its queues every millisecond, in two threads.

The state machine (PS3.8 9.2), the negotiation and the services are pynetdicom's; how bytes come in, and who may come
in, is ours. One thread reads the socket, keeps the timers and answers C-STORE, another answers everything else.
"""

import contextlib
import queue
import select
import socket
import ssl
import struct
import threading
import time
from typing import Any

from pynetdicom import evt
from pynetdicom._globals import MODE_ACCEPTOR
from pynetdicom.acse import ACSE
from pynetdicom.ae import ApplicationEntity
from pynetdicom.association import Association as PynetdicomAssociation
from pynetdicom.dul import _PDU_TYPES, DULServiceProvider
from pynetdicom.transport import AddressInformation, AssociationSocket

from mip_app.core.logs import note
from mip_app.dimse import admitting
from mip_app.dimse.messages import Malformed, Messages
from mip_app.dimse.services import ANSWERS, SERVICES, offered
from mip_app.dimse.slots import Slots

PDU_MOST = 131072  # announced; what dcmtk takes at most, too
CAPACITY = 2 * PDU_MOST  # some send a little more than they were told
CONTEXTS_MOST = 128  # PS3.8 9.3.2.2: odd numbers up to 255
PART = 1.0  # seconds in which the other side may close a connection that is over
LOOK = 0.5  # seconds between looks at the timers

P_DATA_TF = 4
IDLE, ESTABLISHED, CLOSING = "Sta1", "Sta6", "Sta13"


class Association(PynetdicomAssociation):
    """One that somebody asks us for."""

    def __init__(self, ae: ApplicationEntity, slots: Slots, connection: socket.socket, address: Any) -> None:
        super().__init__(ae, MODE_ACCEPTOR)
        self.slots = slots
        self.address = str(address[0])
        self.caller: admitting.Caller | None = None
        self.bell = threading.Event()
        self.acse = Admission(self)
        self.dul = Reactor(self)
        self.dul.to_user_queue = _Ringing(self.bell)
        self.dimse.msg_queue = _Ringing(self.bell)
        self.acse_timeout, self.network_timeout = (
            ae.acse_timeout,
            ae.network_timeout,
        )  # the reactor keeps them
        self.set_socket(AssociationSocket(self, client_socket=connection))
        self.acceptor.maximum_length = ae.maximum_pdu_size
        self.acceptor.ae_title = ae.ae_title
        self.acceptor.address_info = AddressInformation.from_tuple(connection.getsockname())
        self.requestor.address_info = AddressInformation.from_tuple(address)
        self.acceptor.implementation_class_uid = ae.implementation_class_uid
        self.acceptor.implementation_version_name = ae.implementation_version_name
        for service in SERVICES:
            for event, answer in service.handlers:
                self.bind(event, answer)

    def run(self) -> None:
        try:
            super().run()
        except Exception as error:
            note(error)
        finally:
            self.dul.kill_dul()
            if self.dul.is_alive():
                self.dul.join(2 * PART)
            self.slots.release(id(self))
            if (wrapped := self.dul.socket) is not None and wrapped.socket is not None:
                wrapped._shutdown_socket()

    def _run_reactor(self) -> None:
        self._is_paused = False
        while not self._kill:
            self.bell.wait(LOOK)
            self.bell.clear()
            # As pynetdicom does it: whoever sends from another thread finds this one paused.
            self._is_paused = True
            self._reactor_checkpoint.wait()
            self._is_paused = False
            while not self._kill:
                context_id, message = self.dimse.get_msg(block=False)
                if message is None or context_id is None:
                    break
                self._serve_request(message, context_id)
            if self._is_over():
                self.kill()

    def _serve_request(self, msg: Any, context_id: int) -> None:
        """What we answer ourselves; everything else is pynetdicom's."""
        work, context = ANSWERS.get(type(msg)), self._accepted_cx.get(context_id)
        if work is None or context is None or not msg.is_valid_request or self._sent_release:
            super()._serve_request(msg, context_id)
            return
        self.dimse.cancel_req = {}
        self._is_paused = True  # it sends requests of its own on this association (C-GET)
        try:
            work(self, msg, context)
        finally:
            self._is_paused = False
            self.dimse.cancel_req = {}

    def _is_over(self) -> bool:
        if self.is_established and self.acse.is_release_requested():
            self.acse.send_release(is_response=True)
            self.is_released, self.is_established = True, False
            evt.trigger(self, evt.EVT_RELEASED, {})
            return True
        if self.acse.is_aborted():
            self.dul.receive_pdu(wait=False)
            self.is_aborted, self.is_established = True, False
            evt.trigger(self, evt.EVT_ABORTED, {})
            return True
        if self.dul.is_alive() and self.dul.idle_timer_expired():
            self.abort()
            return True
        return not self.dul.is_alive()


def caller_of(event: evt.Event) -> admitting.Caller:
    """For handlers of services: who asks."""
    association = event.assoc
    assert isinstance(association, Association) and association.caller is not None
    return association.caller


class Admission(ACSE):
    """Who calls is settled before anything is negotiated; what goes wrong on the way keeps them out."""

    def _negotiate_as_acceptor(self) -> None:
        association = self.assoc
        assert isinstance(association, Association)
        try:
            decided = self._decide(association)
        except Exception as error:
            note(error)
            decided = admitting.FAILED
        if isinstance(decided, admitting.Caller):
            association.caller = decided
            super()._negotiate_as_acceptor()
            return
        self.send_reject(*decided)
        association.kill()

    def _decide(self, association: Association) -> "admitting.Caller | admitting.Rejection":
        request: Any = self.requestor.primitive
        decided = admitting.admit(request.calling_ae_title, request.called_ae_title, association.address)
        if not isinstance(decided, admitting.Caller):
            return decided
        proposed = request.presentation_context_definition_list
        if len(proposed) > CONTEXTS_MOST:
            return admitting.FAILED
        if not association.slots.claim(id(association), decided.node.id or 0):
            return admitting.FULL
        self.acceptor.supported_contexts = offered(decided.node, proposed)
        return decided


class _Ringing(queue.Queue):
    """Wakes whoever waits for several of them."""

    def __init__(self, bell: threading.Event) -> None:
        super().__init__()
        self._bell = bell

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        super().put(item, block, timeout)
        self._bell.set()


class Reactor(DULServiceProvider):
    """Reads the socket into one buffer of a fixed size and waits where there is nothing to do."""

    def __init__(self, association: Association) -> None:
        super().__init__(association)
        self.daemon = True
        self.messages = Messages(association)
        self._bell = association.bell
        self._awake, self._wake = socket.socketpair()
        self._wake.setblocking(False)
        self._poll = select.poll()
        self._polled: int | None = None
        self._buffer = memoryview(bytearray(CAPACITY))
        self._start = self._end = 0
        self._closing_since: float | None = None

    def send_pdu(self, primitive: Any) -> None:
        super().send_pdu(primitive)
        self._ring()

    def kill_dul(self) -> None:
        super().kill_dul()
        self._ring()

    def _ring(self) -> None:
        with contextlib.suppress(OSError):
            self._wake.send(b"\0")

    def run_reactor(self) -> None:
        self._idle_timer.start()
        self._poll.register(self._awake, select.POLLIN)
        self.assoc._dul_ready.set()
        try:
            while not self._kill_thread:
                self._turn()
        except Exception as error:
            note(error)
            self.assoc.is_aborted, self.assoc.is_established = True, False
            self.assoc._kill = True
        finally:
            self._kill_thread = True
            self.messages.abandon()
            self._over()
            self._awake.close()
            self._wake.close()
            self._bell.set()

    def _over(self) -> None:
        """Whoever still waits for a request need not: it reads this as if the time were up."""
        if self.assoc.requestor.primitive is None and self.to_user_queue.empty():
            self.to_user_queue.put(None)  # type: ignore[arg-type]

    def _turn(self) -> None:
        if self._is_late():
            self.event_queue.put("Evt18")
        elif not self._process_recv_primitive() and self.event_queue.empty():
            self._listen()
        while not self.event_queue.empty():
            event = self.event_queue.get(block=False)
            # What a connection that is over still says of itself is no event: Evt5 begins one.
            if self.state_machine.current_state != IDLE or event == "Evt5":
                self.state_machine.do_action(event)

    def _is_late(self) -> bool:
        """Whether the ARTIM timer (PS3.8 9.1.5) runs and has run out."""
        running = self.artim_timer._end_time is None and self.state_machine.current_state != IDLE
        return running and self.artim_timer.expired

    def _listen(self) -> None:
        """Take a PDU that is there, or wait for bytes, for something to send, for a timer."""
        connection = self.socket.socket if self.socket is not None else None
        if connection is None or self.state_machine.current_state == IDLE:
            self._over()
            self._poll_for(0.01)  # only to be ended
        elif self.state_machine.current_state == CLOSING:
            self._part(connection)
        elif not self._take_pdu():
            self._receive(connection, self._patience())

    def _patience(self) -> float:
        if self.artim_timer._start_time is None or self.artim_timer.timeout is None:
            return LOOK
        return min(LOOK, max(self.artim_timer.remaining, 0.0) + 0.01)

    def _poll_for(self, seconds: float) -> bool:
        """Whether the socket has something to say."""
        connection = self.socket.socket if self.socket is not None else None
        if connection is not None and self._polled is None:
            self._polled = connection.fileno()
            if self._polled < 0:
                return True  # closed: reading it says so
            self._poll.register(self._polled, select.POLLIN)
        if isinstance(connection, ssl.SSLSocket) and connection.pending():
            return True
        if connection is None and self._polled is not None:
            with contextlib.suppress(KeyError, OSError):
                self._poll.unregister(self._polled)  # closed: its number may be somebody else's by now
        found = dict(self._poll.poll(seconds * 1000))
        if self._awake.fileno() in found:
            self._awake.recv(4096)
        return self._polled in found

    def _receive(self, connection: socket.socket, patience: float) -> None:
        if not self._poll_for(patience):
            return
        try:
            count = connection.recv_into(self._buffer[self._end :])
        except (OSError, ValueError):
            count = 0
        if not count:
            self.event_queue.put("Evt17")  # the connection is closed
            return
        self._end += count
        acknowledge_at_once(connection)

    def _part(self, connection: socket.socket) -> None:
        """Nothing more is to be said. A connection closed on bytes nobody read would lose what was said last."""
        assert self.socket is not None
        now = time.monotonic()
        if self._closing_since is None:
            self._closing_since = now
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
        self._start = self._end = 0
        ready = self._poll_for(0.05)
        try:
            over = ready and not connection.recv_into(self._buffer)
        except (OSError, ValueError):
            over = True
        if over or now - self._closing_since > PART:
            self.socket.close()

    def _take_pdu(self) -> bool:
        """Handle the PDU at the start of the buffer; False when it is not whole yet."""
        have = self._end - self._start
        if have >= 6:
            kind, _, length = struct.unpack_from(">BBI", self._buffer, self._start)
            if not 1 <= kind <= 7 or length > CAPACITY - 6:
                self._start = self._end
                self.event_queue.put("Evt19")  # unrecognized or invalid
                return True
            if have >= 6 + length:
                self._idle_timer.restart()
                body = self._start + 6
                self._start = body + length
                self._handle(kind, self._buffer[body : body + length])
                if self._start == self._end:
                    self._start = self._end = 0
                return True
        if self._start:
            self._buffer[:have] = bytes(self._buffer[self._start : self._end])
            self._start, self._end = 0, have
        return False

    def _handle(self, kind: int, body: memoryview) -> None:
        try:
            if kind == P_DATA_TF and self.state_machine.current_state == ESTABLISHED:
                if (answer := self.messages.take_pdu(body)) and self.socket is not None:
                    self.socket.send(answer)
                return
            made, event = _PDU_TYPES[bytes([kind])]
            pdu = made()
            pdu.decode(struct.pack(">BBI", kind, 0, len(body)) + bytes(body))
        except Malformed:
            self.event_queue.put("Evt19")
        except Exception:  # whatever pynetdicom stumbles over in what a stranger sent
            self.event_queue.put("Evt19")
        else:
            self._recv_pdu.put(pdu)
            self.event_queue.put(event)


def acknowledge_at_once(connection: socket.socket) -> None:
    """A sender without TCP_NODELAY waits for an acknowledgement before it sends the end of an image.

    Linux would delay that by 40 ms, and falls back to delaying it by itself: said again after each read.
    """
    if hasattr(socket, "TCP_QUICKACK"):
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
