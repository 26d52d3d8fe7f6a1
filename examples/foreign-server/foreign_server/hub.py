"""What outlives a connection: channels and sessions."""

import secrets
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from .channel import Channel
from .tables import Refusal, check_name, find_declaration
from .writing import now

MAX_CHANNELS = 10_000
MAX_SESSIONS = 10_000
CONFIRM_SECONDS = 30


@dataclass
class Session:
    user_id: str | None
    client_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    subscriptions: dict = field(default_factory=dict)  # channel's name: Subscription
    connection: Any = None
    kept_until: float = 0.0
    resumed_at: float = 0.0
    used: list = field(default_factory=list)  # tokens that still stand for it beside `token`

    @property
    def own_names(self):
        names = ["@all", f"@client:{self.client_id}"]
        return names if self.user_id is None else [*names, f"@user:{self.user_id}"]


class Hub:
    def __init__(self, declarations, identities, expires_in=300):
        self.declarations, self.identities, self.expires_in = declarations, identities, expires_in
        self.channels = {}
        self.sessions = {}  # token: Session

    # Channels -------------------------------------------------------------------------------

    def check(self, name, role, what):
        """Refuses a name that the role may not use so."""
        check_name(name)
        declaration = self.declarations[find_declaration(self.declarations, name)]
        if not Channel(name, declaration).may(role, what):
            raise Refusal("forbidden", f"the role {role} may not {what} here")

    def channel(self, name):
        """The channel, which begins to exist where it did not."""
        channel = self.channels.get(name)
        if channel is None:
            own = name.startswith("@")
            covering = None if own else find_declaration(self.declarations, name)
            channel = Channel(name, {} if own else self.declarations[covering])
            if len(self.channels) >= MAX_CHANNELS:
                self._drop_a_channel()
            self.channels[name] = channel
        return channel

    def _drop_a_channel(self):
        for name, channel in self.channels.items():
            if not channel.subscriptions:
                del self.channels[name]
                return

    def publish(self, channel, event_type, data, excluded=None):
        event = channel.append(event_type, data, now(), excluded)
        for connection, subscription in list(channel.subscriptions.items()):
            connection.deliver(subscription, event)
        return event

    # Sessions -------------------------------------------------------------------------------

    def begin(self, session):
        if len(self.sessions) >= MAX_SESSIONS:
            self._end_a_session()
        self.sessions[session.token] = session

    def _end_a_session(self):
        kept = [one for one in self.sessions.values() if one.connection is None]
        if kept:
            # Those of anonymous clients go first (HDL-RES-4).
            self.end(min(kept, key=lambda one: (one.user_id is not None, one.kept_until)))

    def find(self, token, connection):
        """The session that a token stands for, where this connection may have it."""
        session = self.sessions.get(token)
        if session is not None:
            self._settle(session)
        if (
            session is None
            or self.sessions.get(token) is not session
            or session is connection.session
            or session.user_id != connection.identity.user_id
        ):
            raise Refusal("session_expired", "no session can be resumed with this token")
        return session

    def renew(self, session):
        """A new token; the one before stands beside it until the client is heard (HDL-RES-18)."""
        session.used.append(session.token)
        session.token = secrets.token_urlsafe(32)
        session.resumed_at = time.monotonic()
        self.sessions[session.token] = session

    def confirm(self, session):
        for token in session.used:
            self.sessions.pop(token, None)
        session.used.clear()

    def keep(self, session):
        self._settle(session)
        session.connection = None
        session.kept_until = time.monotonic() + self.expires_in

    def end(self, session):
        self.confirm(session)
        self.sessions.pop(session.token, None)
        self.channels.pop(f"@client:{session.client_id}", None)

    def _settle(self, session):
        now = time.monotonic()
        if session.connection is None:
            if session.kept_until and session.kept_until <= now:
                self.end(session)
        elif session.used and now - session.resumed_at >= CONFIRM_SECONDS:
            self.confirm(session)

    def settle(self):
        """Ends what has run out."""
        for session in list(self.sessions.values()):
            self._settle(session)
