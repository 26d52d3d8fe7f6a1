"""One open connection: what it asks for and what it is told. Knows no socket."""

import json
import logging
import time

from .channel import Subscription
from .hub import Session
from .identity import Unauthorized
from .reading import Media, read_binary, read_text
from .tables import CLOSES, ERRORS, LIMITS, Refusal, check_name, close_action
from .writing import event_envelope, now, to_json

HISTORY_ANSWER_BYTES = 262_144
MEDIA_METADATA_BYTES = 61_440
log = logging.getLogger("foreign_server")


class Connection:
    """`transport` has `send(bytes, is_text)` and `close(code, reason)`."""

    def __init__(self, hub, identity, transport, heartbeat):
        self.hub, self.identity, self.transport = hub, identity, transport
        self.heartbeat = heartbeat
        self.session = None
        self.binary = False
        self.may_resume = True
        self.is_closing = False
        self._own_since = {}

    # From the transport ---------------------------------------------------------------------

    def open(self, token=None):
        refusal, told, starts = None, {}, []
        if token:
            try:
                told, starts = self._take_over(self.hub.find(token, self), {})
                self.may_resume = False
            except Refusal as one:
                refusal = one
        if self.session is None:
            self.session = Session(self.identity.user_id, connection=self)
            self.hub.begin(self.session)
            for name in self.session.own_names:
                channel = self.hub.channel(name)
                self._join(channel, channel.newest)
                self._own_since[name] = channel.newest
            told = {"positions": {n: self.hub.channel(n).position() for n in self._own_since}}
        expires = self.identity.expires_in
        self.tell(
            "connected",
            **{
                "client_id": self.session.client_id,
                "user_id": self.identity.user_id,
                "role": self.identity.role,
                "reconnected": bool(token) and refusal is None,
                "reconnection_token": self.session.token,
                "expires_in": self.hub.expires_in,
                **({} if expires is None else {"token_expires_in": expires}),
                "heartbeat_interval": self.heartbeat,
                "protocol": "heddle.v1",
                "features": {"binary": {}},
                "limits": LIMITS,
                **told,
            },
        )
        self._recover(starts)
        if refusal is not None:
            self._refuse(refusal)

    def receive(self, data):
        """A message: text or bytes."""
        if self.is_closing:
            return
        self.alive()
        correlation_id = None
        try:
            request = read_text(data) if isinstance(data, str) else read_binary(data)
            correlation_id = request.pop("correlation_id", None)
            getattr(self, f"_on_{request.pop('type')}")(correlation_id, **request)
        except Refusal as refusal:
            self._refuse(refusal, correlation_id)
        except Exception:
            log.exception("a request failed")
            self._refuse(Refusal("internal", "the server has failed"), correlation_id)

    def alive(self):
        """The client was heard, so it knows the token that it resumed to (HDL-RES-18)."""
        self.hub.confirm(self.session)

    def ended(self, code):
        """The connection is over; its session may be kept."""
        session = self.session
        if session is None or session.connection is not self:
            return
        self._leave_all()
        if close_action(code) == "terminal":
            self.hub.end(session)
            session.connection = None
        else:
            self.hub.keep(session)

    def close(self, code, retry_after=None, silently=False):
        if self.is_closing:
            return
        reason, action = CLOSES[code]
        if not silently:
            fields = {"reason": reason}
            if action == "retry":
                fields["reconnection_token"] = self.session.token
                fields["expires_in"] = self.hub.expires_in
            if retry_after is not None:
                fields["retry_after"] = retry_after
            self.tell("disconnected", **fields)
        self.is_closing = True
        self.ended(code)
        self.transport.close(code, reason)

    # To the client --------------------------------------------------------------------------

    def tell(self, kind, correlation_id=None, **fields):
        message = {"type": kind, **fields, "timestamp": now()}
        if correlation_id is not None:
            message["correlation_id"] = correlation_id
        self._send(to_json(message))

    def deliver(self, subscription, event):
        if self.is_closing:
            return
        subscription.offset = event.offset
        if event.excluded is not None and event.excluded == self.session.client_id:
            return
        if self.binary and isinstance(event.data, Media):
            self._send(event_envelope(event), is_text=False)
        else:
            self._send(event.text)

    def _send(self, data, is_text=True):
        if not self.is_closing:
            self.transport.send(data, is_text)

    def _refuse(self, refusal, correlation_id=None):
        recoverable, help = ERRORS[refusal.code]
        self.tell(
            "error",
            refusal.correlation_id if correlation_id is None else correlation_id,
            code=refusal.code,
            message=refusal.message,
            recoverable=recoverable,
            help=help,
        )

    def _recover(self, starts):
        """Sends what was missed, after the answer that told of it."""
        for channel, start, until in starts:
            subscription = channel.subscriptions[self]
            if start.gap is not None:
                first, last = start.gap
                gap = {"epoch": channel.epoch, "from": first, "to": last}
                self.tell("gap", channel=channel.name, **gap)
            for event in channel.after(start.offset):
                if event.offset <= until:
                    self.deliver(subscription, event)
            subscription.offset = channel.newest

    # Subscriptions --------------------------------------------------------------------------

    def _join(self, channel, offset):
        subscription = Subscription(offset, channel.epoch)
        channel.subscriptions[self] = subscription
        self.session.subscriptions[channel.name] = subscription

    def _leave(self, name):
        if name in self.session.subscriptions:
            del self.session.subscriptions[name]
            self.hub.channel(name).subscriptions.pop(self, None)

    def _leave_all(self):
        """Takes no more events; the session remembers how far it was."""
        for name in self.session.subscriptions:
            self.hub.channel(name).subscriptions.pop(self, None)

    @property
    def _asked_for(self):
        return [name for name in self.session.subscriptions if not name.startswith("@")]

    def _on_subscribe(self, cid, channels, positions=None, last=None, metadata=None):
        subscribed, told, recovered, rejected, starts = [], {}, {}, [], []
        for name in dict.fromkeys(channels):
            try:
                self.hub.check(name, self.identity.role, "subscribe")
                is_new = name not in self.session.subscriptions
                if is_new and len(self._asked_for) >= LIMITS["subscriptions"]:
                    raise Refusal("too_many_subscriptions", "there are too many subscriptions")
            except Refusal as refusal:
                rejected.append(_rejection(name, refusal))
                continue
            channel = self.hub.channel(name)
            subscribed.append(name)
            told[name] = channel.position()
            if not is_new:
                continue
            offset = channel.newest
            if positions is not None and name in positions:
                start = channel.start_at(positions[name])
                recovered[name] = start.recovered
            elif last is not None:
                start = channel.start_with_last(last)
            else:
                start = None
            if start is not None:
                offset = start.offset
                starts.append((channel, start, channel.newest))
            told[name] = channel.position(offset)
            self._join(channel, offset)
        fields = {"channels": subscribed, "positions": told}
        if positions is not None:
            fields["recovered"] = recovered
        if rejected:
            fields["rejected"] = rejected
        self.may_resume = False
        self.tell("subscribed", cid, **fields)
        self._recover(starts)

    def _on_unsubscribe(self, cid, channels):
        gone, rejected = [], []
        for name in dict.fromkeys(channels):
            try:
                check_name(name)
                self._leave(name)
                gone.append(name)
            except Refusal as refusal:
                rejected.append(_rejection(name, refusal))
        more = {"rejected": rejected} if rejected else {}
        self.tell("unsubscribed", cid, channels=gone, **more)

    def _on_get_subscriptions(self, cid):
        names = self._asked_for
        positions = {name: self.hub.channel(name).position() for name in names}
        self.tell("subscriptions", cid, channels=names, positions=positions)

    # Sessions -------------------------------------------------------------------------------

    def _on_resume(self, cid, reconnection_token, positions=None):
        if not self.may_resume:
            raise Refusal("invalid_message", "resume comes before any subscribe, and once")
        try:
            session = self.hub.find(reconnection_token, self)
        except Refusal:
            self.may_resume = False
            raise
        told, starts = self._take_over(session, positions or {})
        self.may_resume = False
        fields = {
            "client_id": session.client_id,
            **told,
            "reconnection_token": session.token,
            "expires_in": self.hub.expires_in,
        }
        self.tell("resumed", cid, **fields)
        self._recover(starts)

    def _take_over(self, session, positions):
        """Makes a session this connection's own, in place of the one it had."""
        former, mine = session.connection, self.session
        if former is not None:
            former._leave_all()
            session.connection = None
            former.close(4409)
        if mine is not None:
            self._leave_all()
            self.hub.end(mine)
        self.session, session.connection = session, self
        self.hub.renew(session)
        places, session.subscriptions = session.subscriptions, {}
        channels, told, recovered, rejected, starts = [], {}, {}, [], []
        for name, place in places.items():
            is_own = name.startswith("@")
            try:
                if not is_own:
                    self.hub.check(name, self.identity.role, "subscribe")
                    channels.append(name)
            except Refusal as refusal:
                rejected.append(_rejection(name, refusal))
                continue
            channel = self.hub.channel(name)
            left_at = {"epoch": place.epoch, "offset": place.offset}
            start = channel.start_at(positions.get(name, left_at))
            # What came on this connection since it was connected does not come again.
            until = self._own_since.get(name, channel.newest)
            told[name], recovered[name] = channel.position(start.offset), start.recovered
            starts.append((channel, start, until))
            self._join(channel, start.offset)
        for name in positions:
            if name.startswith("@") and name not in places:
                forbidden = Refusal("forbidden", "this is none of the session's channels")
                rejected.append(_rejection(name, forbidden))
        fields = {"channels": channels, "positions": told, "recovered": recovered}
        return ({**fields, "rejected": rejected} if rejected else fields), starts

    def _on_authenticate(self, cid, token):
        try:
            identity = self.hub.identities.of_token(token)
        except Unauthorized as error:
            raise Refusal(error.name, error.message) from None
        if identity.user_id is None or identity.user_id != self.identity.user_id:
            raise Refusal("forbidden", "the token is another user's")
        self.identity = identity
        expires = {} if identity.expires_in is None else {"token_expires_in": identity.expires_in}
        fields = {"user_id": identity.user_id, "role": identity.role, **expires}
        self.tell("authenticated", cid, **fields)
        for name in self._asked_for:
            try:
                self.hub.check(name, identity.role, "subscribe")
            except Refusal as refusal:
                self._leave(name)
                why = {"code": refusal.code, "message": refusal.message}
                self.tell("unsubscribed", channels=[name], **why)
        self.transport.watch_expiry(identity.expires_at)

    # Everything else ------------------------------------------------------------------------

    def _on_hello(self, cid, features):
        self.tell("welcome", cid, features={"binary": {}} if "binary" in features else {})
        self.binary = "binary" in features

    def _on_ping(self, cid):
        self.tell("pong", cid)

    def _on_ack(self, cid, ack_ids):
        """No event of this server is to be acknowledged (HDL-ACK-8)."""

    def _on_presence(self, cid, channel):
        self.hub.check(channel, self.identity.role, "subscribe")
        raise Refusal("unsupported", "this server's channels have no presence")

    def _on_publish(self, cid, channel, event_type, data, id=None, echo=None):
        self.hub.check(channel, self.identity.role, "broadcast")
        if isinstance(data, Media) and len(to_json(data.metadata)) > MEDIA_METADATA_BYTES:
            raise Refusal("payload_invalid", f"metadata may take {MEDIA_METADATA_BYTES} bytes")
        to = self.hub.channel(channel)
        named = {} if id is None else {"id": id}
        key = (self.identity.user_id, None if self.identity.user_id else self.session.client_id, id)
        before = None if id is None else to.taken_before(key)
        if before is not None:
            position = to.position(before)
            self.tell("published", cid, channel=channel, **position, **named, duplicate=True)
            return
        if echo is None:
            echo = to.declaration.get("echo", True)
        event = self.hub.publish(
            to, event_type, data, None if echo else self.session.client_id
        )
        if id is not None:
            to.remember(key, event.offset)
        self.tell("published", cid, channel=channel, **to.position(event.offset), **named)

    def _on_history(self, cid, channel, since=None, limit=100):
        self.hub.check(channel, self.identity.role, "subscribe")
        source = self.hub.channel(channel)
        start = None if since is None else source.start_at(since)
        offset = source.before_oldest if start is None else start.offset
        events, size, more = [], 0, False
        for event in source.after(offset):
            if event.excluded != self.session.client_id or event.excluded is None:
                size += len(event.text) + 1
                if len(events) == limit or (events and size > HISTORY_ANSWER_BYTES - 2):
                    more = True
                    break
                events.append(json.loads(event.text))
            offset = event.offset
        fields = {"epoch": source.epoch, "events": events, "more": more}
        if start is not None and start.gap is not None:
            fields["gap"] = dict(zip(("from", "to"), start.gap))
        self.tell("history", cid, channel=channel, next=source.position(offset), **fields)


def _rejection(name, refusal):
    return {"channel": name, "code": refusal.code, "message": refusal.message}
