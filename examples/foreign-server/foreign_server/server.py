"""The server: who is let in, liveness, and going down."""

import asyncio
import time
from urllib.parse import urlsplit

from .hub import Hub
from .answers import refusal
from .transport import Transport

DRAIN_SECONDS = 5


class Server:
    def __init__(self, declarations, identities, heartbeat=30, expires_in=300, connections=1_000):
        self.hub = Hub(declarations, identities, expires_in)
        self.heartbeat, self.connections = heartbeat, connections
        self.transports = set()
        self.is_draining = False
        self.started_at = time.monotonic()

    async def start(self, host, port):
        server = await asyncio.start_server(self._take, host, port, limit=16_384)
        self._watch = asyncio.create_task(self._watch_connections())
        return server

    async def _take(self, reader, writer):
        await Transport(self, reader, writer).run()

    async def _watch_connections(self):
        while True:
            await asyncio.sleep(self.heartbeat / 4)
            self.hub.settle()
            instant = time.monotonic()
            for transport in list(self.transports):
                silence = instant - transport.heard_at
                if silence >= 3 * self.heartbeat and transport.pinged_at > transport.heard_at:
                    transport.connection.close(4408, silently=True)
                elif instant - max(transport.heard_at, transport.pinged_at) >= self.heartbeat:
                    transport.ping()

    async def drain(self):
        """Sends everybody away, to come back one after another (HDL-CLO-11)."""
        self.is_draining = True
        leaving = list(self.transports)
        for number, transport in enumerate(leaving):
            after = round(DRAIN_SECONDS * (number + 0.5) / len(leaving), 3)
            transport.connection.close(1012, retry_after=after)
        deadline = time.monotonic() + DRAIN_SECONDS
        while time.monotonic() < deadline:
            await asyncio.sleep(0.05)
            if all(transport.writer.transport.is_closing() for transport in leaving):
                break

    # Before the upgrade ---------------------------------------------------------------------

    def check_room(self):
        if self.is_draining:
            raise refusal(503, "draining", "the server is going down", Retry_After="5")
        if len(self.transports) >= self.connections:
            raise refusal(503, "too_many_connections", "the server is full", Retry_After="5")

    def check_origin(self, headers):
        origin = headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc.lower() != headers.get("Host", "").lower():
            raise refusal(403, "origin_not_allowed", "pages of that origin may not connect")
