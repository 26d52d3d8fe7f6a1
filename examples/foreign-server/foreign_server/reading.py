"""From what a client sent to a request: JSON, fields, envelopes, compression."""

import json
import math
import zlib

from .tables import COMPRESSED_JSON, KINDS, LIMITS, Refusal

MAX_DEPTH = 64
MAX_OFFSET = 2**53 - 1
SERVER_TYPES = (
    "connected welcome subscribed unsubscribed subscriptions pong published event gap resumed"
    " authenticated token_expiring batch disconnected error"
).split()


class Media:
    """Bytes, what they are, and the publisher's own words on them."""

    def __init__(self, kind, content, metadata):
        self.kind, self.content, self.metadata = kind, content, metadata


def length(text):
    """Characters are UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


# JSON ---------------------------------------------------------------------------------------


class _OutOfRange(Exception):
    pass


def _number(text):
    value = float(text)
    if math.isinf(value):
        raise _OutOfRange
    return value


def _integer(text):
    _number(text)
    return int(text)


def _no_constant(text):
    raise ValueError(text)


def parse_json(text):
    try:
        value = json.loads(
            text, parse_float=_number, parse_int=_integer, parse_constant=_no_constant
        )
        deep = _depth(value) > MAX_DEPTH
    except _OutOfRange:
        raise Refusal("invalid_message", "a number is beyond binary64") from None
    except RecursionError:
        deep = True
    except ValueError:
        raise Refusal("invalid_json", "this is not JSON") from None
    if deep:
        raise Refusal("invalid_message", f"more than {MAX_DEPTH} levels of arrays and objects")
    return value


def _depth(value):
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0


# Fields -------------------------------------------------------------------------------------


def _misfit(what):
    raise Refusal("invalid_message", what)


def _string(least, most):
    def read(value, name):
        if not isinstance(value, str) or not least <= length(value) <= most:
            _misfit(f"{name} must be a string of {least} to {most} characters")
        return value

    return read


def _whole(least, most):
    def read(value, name):
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or value != int(value) or not least <= value <= most:
            _misfit(f"{name} must be an integer from {least} to {most}")
        return int(value)

    return read


def _flag(value, name):
    if not isinstance(value, bool):
        _misfit(f"{name} must be true or false")
    return value


def _object(value, name):
    if not isinstance(value, dict):
        _misfit(f"{name} must be an object")
    return value


def _list_of(read_one, most):
    def read(value, name):
        if not isinstance(value, list) or not 1 <= len(value) <= most:
            _misfit(f"{name} must be an array of 1 to {most} entries")
        return [read_one(one, name) for one in value]

    return read


def _fields(**fields):
    """Reads the known fields of an object; a name that ends in _ need not be there."""

    def read(value, name):
        _object(value, name)
        known = {}
        for field, read_one in fields.items():
            bare = field.rstrip("_")
            if bare in value:
                known[bare] = read_one(value[bare], bare)
            elif bare == field:
                _misfit(f"{bare} is required")
        return known

    return read


def _positions(value, name):
    return {channel: position(one, name) for channel, one in _object(value, name).items()}


def _metadata(value, name):
    if length(json.dumps(_object(value, name), ensure_ascii=False, separators=(",", ":"))) > 1024:
        _misfit(f"{name} may have 1024 characters as JSON")
    return value


def _any(value, name):
    return value


position = _fields(epoch=_string(1, 16), offset=_whole(0, MAX_OFFSET))
_long = _string(0, 10**9)
_features = _fields(
    binary_=_fields(),
    compression_=_fields(algorithm=_long, compact_=_flag),
    batch_=_fields(max_ms=_whole(0, 1000), max_bytes=_whole(1, 1_048_576)),
)
_channels = _list_of(_long, 100)
REQUESTS = {
    "hello": dict(features=_features),
    "subscribe": dict(
        channels=_channels, positions_=_positions, last_=_whole(0, 1000), metadata_=_metadata
    ),
    "unsubscribe": dict(channels=_channels),
    "get_subscriptions": dict(),
    "ping": dict(),
    "publish": dict(
        channel=_long, event_type=_string(1, 200), data=_any, id_=_string(1, 128), echo_=_flag
    ),
    "history": dict(channel=_long, since_=position, limit_=_whole(1, 1000)),
    "presence": dict(channel=_long),
    "ack": dict(ack_ids=_list_of(_string(0, 128), 1000)),
    "resume": dict(reconnection_token=_string(0, 128), positions_=_positions),
    "authenticate": dict(token=_string(1, 10**9)),
}
_readers = {
    name: _fields(**fields, correlation_id_=_string(0, 128)) for name, fields in REQUESTS.items()
}


def _correlation(value):
    given = value.get("correlation_id")
    return given if isinstance(given, str) and length(given) <= 128 else None


def read_object(value):
    """A request, as a dictionary of the fields that are known."""
    if not isinstance(value, dict):
        _misfit("a message is an object")
    kind = value.get("type")
    try:
        if not isinstance(kind, str):
            _misfit("type must be a string")
        if kind in _readers:
            return {"type": kind, **_readers[kind](value, kind)}
        raise Refusal("unknown_type", f"nobody knows the type {kind[:200]}")
    except Refusal as refusal:
        refusal.correlation_id = _correlation(value)
        raise


def read_text(text):
    size = len(text.encode("utf-8", "surrogatepass"))
    too_large = Refusal("message_too_large", f"more than {LIMITS['text_bytes']} bytes")
    if size > LIMITS["subscribe_bytes"]:
        raise too_large
    value = None
    if size > LIMITS["text_bytes"]:
        value = parse_json(text)
        if not isinstance(value, dict) or value.get("type") not in ("subscribe", "resume"):
            raise too_large
    return read_object(parse_json(text) if value is None else value)


# Binary messages ----------------------------------------------------------------------------


def read_binary(data, granted=None):
    if len(data) > LIMITS["binary_bytes"]:
        raise Refusal("message_too_large", f"more than {LIMITS['binary_bytes']} bytes")
    if len(data) < 8 or data[0] != 1:
        _misfit("this is no envelope of version 1")
    kind = data[1]
    payload_at = 8 + int.from_bytes(data[2:4], "big")
    if payload_at + int.from_bytes(data[4:8], "big") != len(data):
        _misfit("the envelope has another length than its header tells")
    if kind != COMPRESSED_JSON and kind not in KINDS:
        _misfit(f"there is no envelope of type {kind}")
    metadata = _read_metadata(data[8:payload_at])
    payload = data[payload_at:]
    if kind == COMPRESSED_JSON:
        return read_text(_inflate(payload, metadata, granted))
    words = metadata.pop("metadata", {})
    if not isinstance(words, dict):
        correlation_id = _correlation(metadata)
        raise Refusal("invalid_message", "metadata.metadata must be an object", correlation_id)
    media = Media(KINDS[kind], payload, words)
    return read_object({"event_type": KINDS[kind], **metadata, "type": "publish", "data": media})


def _read_metadata(data):
    if not data:
        return {}
    try:
        return _object(parse_json(data.decode()), "the envelope's metadata")
    except (UnicodeDecodeError, Refusal):
        raise Refusal("invalid_message", "the metadata are no JSON object") from None


_WINDOWS = {"gzip": 31, "zlib": 15, "deflate": -15}


def _inflate(payload, metadata, granted):
    algorithm = metadata.get("compression") if metadata else granted
    if algorithm is None or algorithm not in ("none", *_WINDOWS):
        _misfit("the compression must be gzip, zlib, deflate or none")
    text = payload if algorithm == "none" else _inflated(payload, _WINDOWS[algorithm])
    if metadata and (
        metadata.get("original_size") != len(text)
        or metadata.get("compressed_size") != len(payload)
    ):
        _misfit("the message has other sizes than its metadata tell")
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise Refusal("invalid_json", "the compressed text is not UTF-8") from None


def _inflated(payload, window):
    """Stops at the limit, whatever the metadata say."""
    inflater = zlib.decompressobj(window)
    try:
        text = inflater.decompress(payload, LIMITS["subscribe_bytes"] + 1)
    except zlib.error:
        raise Refusal("invalid_message", "the payload cannot be inflated") from None
    if len(text) > LIMITS["subscribe_bytes"]:
        raise Refusal("message_too_large", "the message is too large when inflated")
    if not inflater.eof or inflater.unused_data:
        _misfit("the compressed data end early, or something follows them")
    return text
