"""The routes beside the WebSocket."""

import asyncio
import time
from urllib.parse import unquote

from .answers import Answer, refusal, unauthorized
from .identity import Unauthorized
from .reading import parse_json
from .tables import LIMITS, Refusal, check_name, find_declaration

API = "/api/v1/websocket"
BODY_BYTES = 65_536
BODY_SECONDS = 10


async def answer_of(server, reader, method, path, query, headers):
    """The answer of a route, given or raised."""
    name = path.removeprefix(f"{API}/channels/")
    routes = {
        "/ws/config": lambda: _config(server),
        "/health": lambda: _health(server),
        f"{API}/status": lambda: _status(server, identify()),
        f"{API}/channels": lambda: _channels(server, identify()),
    }

    def identify():
        try:
            return server.hub.identities.of_request(headers, query)
        except Unauthorized as error:
            raise unauthorized(error) from None

    if name != path:
        routes[path] = lambda: _channel(server, unquote(name), identify())
    if path == f"{API}/broadcast":
        if method != "POST":
            return refusal(405, "method_not_allowed", "broadcast by POST", Allow="POST")
        identity = identify()
        return _broadcast(server, identity, query, await _body(reader, headers))
    if path not in routes:
        return refusal(404, "not_found", "there is nothing here, and there are no rooms")
    if method != "GET":
        return refusal(405, "method_not_allowed", "ask by GET", Allow="GET")
    return routes[path]()


async def _body(reader, headers):
    size = headers.get("Content-Length", "0")
    if not size.isdecimal():
        raise refusal(400, "invalid_message", "the length of the body is no number")
    if int(size) > BODY_BYTES:
        raise refusal(413, "message_too_large", f"a body may have {BODY_BYTES} bytes")
    return await asyncio.wait_for(reader.readexactly(int(size)), BODY_SECONDS)


def _config(server):
    config = {
        "version": "1.0",
        "features": {
            "json_first": True,
            "auth_required": not server.hub.identities.lets_in_anonymous,
            "heartbeat_supported": True,
            "reconnection_supported": True,
            "rate_limiting": False,
            "message_queuing": True,
        },
        "endpoints": {"websocket": "/ws", "service_discovery": "/ws/config"},
        "connection_limits": {
            "max_message_size": LIMITS["text_bytes"],
            "max_subscriptions": LIMITS["subscriptions"],
            "heartbeat_interval": round(server.heartbeat * 1_000),
        },
        "server_status": "draining" if server.is_draining else "healthy",
    }
    return Answer(200, {"status": "success", "websocket_config": config})


def _health(server):
    if server.is_draining:
        message = "the server is going down"
        return Answer(503, {"status": "draining", "error": "draining", "message": message})
    uptime = round(time.monotonic() - server.started_at, 3)
    return Answer(200, {"status": "healthy", "uptime_seconds": uptime})


def _status(server, identity):
    named = [one for name, one in server.hub.channels.items() if not name.startswith("@")]
    numbers = {
        "endpoint": "/ws",
        "protocol": "ws",
        "total_connections": len(server.transports),
        "total_channels": len(named),
        "total_subscriptions": sum(len(one.subscriptions) for one in named),
        "buffered_events": sum(len(one.past) for one in server.hub.channels.values()),
    }
    if identity.role == "admin":
        numbers["clients"] = [transport.describe() for transport in server.transports]
    status = "draining" if server.is_draining else "ok"
    return Answer(200, {"status": status, "websocket": numbers})


def _channels(server, identity):
    told = {name: one.get("description", "") for name, one in server.hub.declarations.items()}
    return Answer(200, {"channels": list(told), "descriptions": told})


def _find(server, name):
    if name.startswith("@"):
        raise refusal(400, "invalid_channel", "that is one of the server's own channels")
    try:
        check_name(name)
        find_declaration(server.hub.declarations, name)
    except Refusal as error:
        status = 404 if error.code == "unknown_channel" else 400
        raise refusal(status, error.code, error.message) from None
    return server.hub.channel(name)


def _channel(server, name, identity):
    channel = _find(server, name)
    answer = {
        "channel": name,
        "description": channel.declaration.get("description", ""),
        "subscribers": len(channel.subscriptions),
    }
    if identity.role == "admin":
        answer["subscriber_ids"] = [one.session.client_id for one in channel.subscriptions]
    return Answer(200, answer)


def _broadcast(server, identity, query, body):
    if identity.user_id is None:
        raise unauthorized(Unauthorized("unauthorized", "a user is needed"))
    if identity.role != "admin":
        raise refusal(403, "forbidden", "only administrators broadcast")
    channel = _find(server, query.get("channel", [""])[0])
    if not channel.may(identity.role, "broadcast"):
        raise refusal(403, "forbidden", "the role may not broadcast to this channel")
    try:
        event = parse_json(body.decode())
    except (UnicodeDecodeError, Refusal):
        event = None
    event_type = event.get("event_type") if isinstance(event, dict) else None
    if not isinstance(event_type, str) or not 1 <= len(event_type) <= 200 or "data" not in event:
        raise refusal(400, "payload_invalid", "the body must be {event_type, data}")
    published = server.hub.publish(channel, event_type, event["data"])
    answer = {
        "status": "ok",
        "channel": channel.name,
        "subscribers": len(channel.subscriptions),
        "message_sent": True,
        **channel.position(published.offset),
    }
    return Answer(200, answer)
