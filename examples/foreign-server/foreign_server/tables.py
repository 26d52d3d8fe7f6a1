"""The tables of PROTOCOL.md: errors, close codes, limits, and which names are which."""

import re

# code: (recoverable, help)
ERRORS = {
    "invalid_json": (True, "Send one JSON object as a text message."),
    "invalid_message": (True, "Send an object with a string type and the fields of that type."),
    "unknown_type": (True, "Send a type of Protocol 1."),
    "invalid_channel": (True, "Use 1 to 200 characters of A-Z a-z 0-9 _ . : ~ = + / | -"),
    "unknown_channel": (True, "Use a channel that this server has."),
    "payload_invalid": (True, "Send data that the channel takes."),
    "forbidden": (False, "Connect as somebody whose role allows this."),
    "too_many_subscriptions": (True, "Unsubscribe from a channel first."),
    "message_too_large": (True, "Send smaller messages."),
    "rate_limited": (True, "Wait for answers before sending more."),
    "session_expired": (True, "Go on as a new client: subscribe, with positions."),
    "unauthorized": (True, "Send a token that holds."),
    "token_expired": (True, "Send a newer token."),
    "unsupported": (False, "Do without: this server does not offer it."),
    "broker_unavailable": (True, "Try again shortly."),
    "internal": (True, "Try again; the server has failed."),
}

# code: (reason, action)
CLOSES = {
    1000: ("normal closure", "terminal"),
    1001: ("going away", "retry"),
    1003: ("unsupported data", "terminal"),
    1007: ("invalid UTF-8", "terminal"),
    1008: ("policy violation", "terminal"),
    1009: ("message too big", "terminal"),
    1011: ("internal error", "retry"),
    1012: ("service restart", "retry"),
    1013: ("try again later", "retry"),
    4401: ("token expired", "retry"),
    4403: ("banned", "terminal"),
    4408: ("not alive", "retry"),
    4409: ("replaced", "terminal"),
    4429: ("abuse", "terminal"),
    4503: ("slow consumer", "retry"),
}

LIMITS = {
    "text_bytes": 10_240,
    "subscribe_bytes": 65_536,
    "binary_bytes": 1_048_576,
    "subscriptions": 256,
    "in_flight": 64,
    "in_flight_bytes": 2_097_152,
}

KINDS = {1: "image", 2: "audio", 3: "video", 4: "binary"}
COMPRESSED_JSON = 5

CHANNEL = re.compile(r"[A-Za-z0-9_.:~=+/|-]{1,200}")


class Refusal(Exception):
    """What a message is refused with."""

    def __init__(self, code, message, correlation_id=None):
        super().__init__(message)
        self.code = code
        self.message = message
        self.correlation_id = correlation_id


def is_recoverable(code):
    return ERRORS.get(code, (False, ""))[0]


def close_action(code):
    if code in CLOSES:
        return CLOSES[code][1]
    if 4001 <= code <= 4015 and code - 3000 in CLOSES:
        return CLOSES[code - 3000][1]
    return "retry"


def check_name(name):
    """Refuses a name that no client can use."""
    if name.startswith("@"):
        raise Refusal("forbidden", "channels that start with @ are the server's own")
    if not CHANNEL.fullmatch(name):
        raise Refusal("invalid_channel", "the name is outside the alphabet of channels")


def find_declaration(declarations, name):
    """The declaration that covers a name: the exact one, else that of the longest prefix."""
    if name in declarations and not name.endswith("*"):
        return name
    covering = [
        one
        for one in declarations
        if one.endswith("*") and len(name) >= len(one) and name.startswith(one[:-1])
    ]
    if not covering:
        raise Refusal("unknown_channel", "there is no such channel")
    return max(covering, key=len)
