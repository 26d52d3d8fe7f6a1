"""One TCP connection: an HTTP request, and a WebSocket where it asks for one.

The RFC 6455 part is the sans-I/O core of the package `websockets`, which has kept its shape since
version 10, unlike the servers on top of it.
"""

import asyncio
import time
from urllib.parse import parse_qs, urlsplit

from websockets.datastructures import Headers
from websockets.frames import Opcode
from websockets.http11 import Request

try:
    from websockets.server import ServerProtocol
except ImportError:  # before version 11
    from websockets.server import ServerConnection as ServerProtocol

from .answers import Answer, refusal, unauthorized
from .connection import Connection
from .identity import Unauthorized, offered
from .routes import answer_of
from .tables import LIMITS
from .writing import moment, now

HEAD_SECONDS = 10
CLOSE_SECONDS = 5
WAITING_BYTES = 16 * 1_048_576
# Above this a message closes the connection with 1009 (HDL-LIM-5).
TRANSPORT_BYTES = LIMITS["binary_bytes"] + 65_536


class Transport:
    def __init__(self, server, reader, writer):
        self.server, self.reader, self.writer = server, reader, writer
        self.connection = None
        self.connected_at = now()
        self.heard_at = self.pinged_at = time.monotonic()
        self._protocol = None
        self._message, self._is_text = None, False
        self._expiry = []

    async def run(self):
        try:
            head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), HEAD_SECONDS)
            try:
                method, target, headers = _parse(head)
                await self._answer(method, target, headers, head)
            except Answer as answer:
                self.writer.write(answer.to_bytes())
                await self.writer.drain()
                return
            await self._websocket()
        except (OSError, EOFError, asyncio.TimeoutError, asyncio.LimitOverrunError):
            pass
        finally:
            self._over()
            self.writer.close()

    # HTTP -----------------------------------------------------------------------------------

    async def _answer(self, method, target, headers, head):
        url = urlsplit(target)
        query = parse_qs(url.query, keep_blank_values=True)
        if url.path != "/ws":
            raise await answer_of(self.server, self.reader, method, url.path, query, headers)
        if method != "GET":
            raise refusal(405, "method_not_allowed", "connect by GET", Allow="GET")
        if "websocket" not in headers.get("Upgrade", "").lower():
            raise refusal(426, "upgrade_required", "this is a WebSocket", Upgrade="websocket")
        if headers.get("Sec-WebSocket-Version") != "13":
            asked = {"Upgrade": "websocket", "Sec_WebSocket_Version": "13"}
            raise refusal(426, "unsupported_version", "the version must be 13", **asked)
        self.server.check_room()
        self.server.check_origin(headers)
        try:
            identity = self.server.hub.identities.of_request(headers, query)
        except Unauthorized as error:
            raise unauthorized(error) from None
        self._upgrade(headers, head)
        self.server.transports.add(self)
        self.connection = Connection(self.server.hub, identity, self, self.server.heartbeat)
        self.connection.open(query.get("reconnection_token", [""])[0])
        self.watch_expiry(identity.expires_at)

    def _upgrade(self, headers, head):
        protocol = ServerProtocol(max_size=TRANSPORT_BYTES)
        protocol.receive_data(head)
        requests = [event for event in protocol.events_received() if isinstance(event, Request)]
        response = protocol.accept(requests[0]) if requests else None
        if response is None or response.status_code != 101:
            raise refusal(400, "bad_handshake", "the handshake's header fields are wrong")
        chosen = _subprotocol(offered(headers))
        if chosen is not None:
            response.headers["Sec-WebSocket-Protocol"] = chosen
        protocol.send_response(response)
        self._protocol = protocol

    # WebSocket ------------------------------------------------------------------------------

    async def _websocket(self):
        self._flush()
        while True:
            data = await self.reader.read(65_536)
            if not data:
                self._protocol.receive_eof()
                break
            self._protocol.receive_data(data)
            for frame in self._protocol.events_received():
                self._take(frame)
            self._flush()
            await self.writer.drain()
            if self._protocol.close_expected():
                self._over()
                await asyncio.wait_for(self._rest(), CLOSE_SECONDS)
                break

    async def _rest(self):
        while data := await self.reader.read(65_536):
            self._protocol.receive_data(data)
            self._flush()

    def _take(self, frame):
        self.heard_at = time.monotonic()
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._message, self._is_text = bytearray(frame.data), frame.opcode is Opcode.TEXT
        elif frame.opcode is Opcode.CONT:
            self._message += frame.data
        elif frame.opcode is Opcode.PONG:
            self.connection.alive()
        if self._message is None or not frame.fin or frame.opcode >= 8:
            return
        data, self._message = bytes(self._message), None
        if not self._is_text:
            self.connection.receive(data)
            return
        try:
            text = data.decode()
        except UnicodeDecodeError:
            self.connection.close(1007)
        else:
            self.connection.receive(text)

    def send(self, data, is_text):
        if self._protocol.state.name != "OPEN":
            return
        if is_text:
            self._protocol.send_text(data)
        else:
            self._protocol.send_binary(data)
        self._flush()
        if self.writer.transport.get_write_buffer_size() > WAITING_BYTES:
            self.connection.close(4503, silently=True)
            self.writer.transport.abort()

    def describe(self):
        """What administrators are told of the connection."""
        session = self.connection.session
        return {
            "client_id": session.client_id,
            "user_id": session.user_id,
            "connected_at": self.connected_at,
            "channels": [name for name in session.subscriptions if not name.startswith("@")],
            "last_heartbeat": moment(time.time() - (time.monotonic() - self.heard_at)),
        }

    def ping(self):
        self.pinged_at = time.monotonic()
        self._protocol.send_ping(b"")
        self._flush()

    def close(self, code, reason):
        self.server.transports.discard(self)
        if self._protocol.state.name == "OPEN":
            self._protocol.send_close(code, reason)
        self._flush()
        loop = asyncio.get_running_loop()
        loop.call_later(CLOSE_SECONDS, self.writer.transport.abort)

    def _flush(self):
        for data in self._protocol.data_to_send():
            if data:
                self.writer.write(data)
            elif self.writer.can_write_eof():
                self.writer.write_eof()

    def _over(self):
        self.server.transports.discard(self)
        self.watch_expiry(None)
        if self.connection is not None:
            self.connection.is_closing = True
            close = self._protocol.close_rcvd or self._protocol.close_sent
            self.connection.ended(1006 if close is None else close.code)

    # Expiry ---------------------------------------------------------------------------------

    def watch_expiry(self, expires_at):
        """Tells that a credential runs out, and closes when it has (HDL-TOK-7, -8)."""
        for timer in self._expiry:
            timer.cancel()
        self._expiry = []
        if expires_at is None or self.connection.is_closing:
            return
        loop, left = asyncio.get_running_loop(), expires_at - time.time()
        self._expiry = [
            loop.call_later(max(0, left - 60), self._tell_expiry),
            loop.call_later(max(0, left + 5), self.connection.close, 4401),
        ]

    def _tell_expiry(self):
        left = self.connection.identity.expires_in
        self.connection.tell("token_expiring", token_expires_in=left)


def _parse(head):
    try:
        first, *lines = head.decode("latin-1").split("\r\n")[:-2]
        method, target, version = first.split(" ")
        headers = Headers()
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon or not name or name != name.strip():
                raise ValueError(line)
            headers[name] = value.strip()
        if not version.startswith("HTTP/1."):
            raise ValueError(version)
        return method, target, headers
    except ValueError:
        raise refusal(400, "bad_handshake", "this is no HTTP request") from None


def _subprotocol(names):
    for known in ("heddle.v1", "jwt-auth"):
        if known in names:
            return known
    carrying = [name for name in names if name.startswith(("jwt.", "jwt-auth.", "bearer."))]
    return carrying[0] if carrying and len(carrying) == len(names) else None
