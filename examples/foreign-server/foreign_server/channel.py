"""A channel: its numbering, its past, and who gets its events."""

import secrets
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from .writing import event_message, to_json

HISTORY_EVENTS = 1_000
HISTORY_BYTES = 8_388_608
HISTORY_SECONDS = 300


@dataclass
class Event:
    channel: str
    offset: int
    event_type: str
    data: Any  # JSON, or Media
    timestamp: str
    excluded: str | None  # the client id that it is not for
    text: bytes = b""  # as a text message
    kept_until: float = 0.0


@dataclass
class Start:
    """Where a subscription starts, and what its client is told of that."""

    offset: int
    recovered: bool | None = None
    gap: tuple | None = None  # (from, to), None each where they cannot be counted


@dataclass
class Subscription:
    """How far a connection, or the session it left behind, is in a channel."""

    offset: int
    epoch: str
    connection: Any = None


@dataclass
class Channel:
    name: str
    declaration: dict
    epoch: str = field(default_factory=lambda: secrets.token_urlsafe(9))
    newest: int = 0
    subscriptions: dict = field(default_factory=dict)  # connection: Subscription
    published: dict = field(default_factory=dict)  # (identity, id): (offset, until)
    _past: deque = field(default_factory=deque)
    _bytes: int = 0

    def may(self, role, what):
        permissions = self.declaration.get("permissions", {"*": ["subscribe", "broadcast"]})
        return what in permissions.get(role, permissions.get("*", []))

    def position(self, offset=None):
        return {"epoch": self.epoch, "offset": self.newest if offset is None else offset}

    @property
    def _kept(self):
        return self.declaration.get("history", {})

    @property
    def past(self):
        now = time.monotonic()
        while self._past and (
            self._past[0].kept_until <= now
            or len(self._past) > self._kept.get("size", HISTORY_EVENTS)
            or self._bytes > HISTORY_BYTES
        ):
            self._bytes -= len(self._past.popleft().text)
        return self._past

    @property
    def before_oldest(self):
        past = self.past
        return past[0].offset - 1 if past else self.newest

    def append(self, event_type, data, timestamp, excluded=None):
        self.newest += 1
        event = Event(self.name, self.newest, event_type, data, timestamp, excluded)
        event.text = to_json(event_message(event))
        event.kept_until = time.monotonic() + self._kept.get("seconds", HISTORY_SECONDS)
        self._past.append(event)
        self._bytes += len(event.text)
        return event

    def start_at(self, position):
        """Where a connection starts that had everything up to `position` (HDL-SUB-17, -18)."""
        offset = position["offset"]
        if position["epoch"] != self.epoch or offset > self.newest:
            return Start(self.before_oldest, recovered=False, gap=(None, None))
        if offset < self.before_oldest:
            return Start(self.before_oldest, recovered=False, gap=(offset + 1, self.before_oldest))
        return Start(offset, recovered=True)

    def start_with_last(self, count):
        return Start(max(self.before_oldest, self.newest - count))

    def after(self, offset):
        return [event for event in self.past if event.offset > offset]

    def taken_before(self, key):
        """The offset of the event that was published by this id within 300 seconds."""
        now = time.monotonic()
        while self.published and next(iter(self.published.values()))[1] <= now:
            del self.published[next(iter(self.published))]
        return self.published.get(key, (None, 0))[0]

    def remember(self, key, offset):
        self.published[key] = (offset, time.monotonic() + 300)
        if len(self.published) > 100_000:
            del self.published[next(iter(self.published))]
