"""From what the server says to what goes over the wire."""

import base64
import json
import time
from datetime import datetime, timezone

from .reading import Media
from .tables import KINDS


def moment(seconds):
    """RFC 3339, in UTC with Z."""
    instant = datetime.fromtimestamp(seconds, timezone.utc)
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def now():
    return moment(time.time())


def to_json(value):
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    try:
        return text.encode()
    except UnicodeEncodeError:  # half a surrogate pair, which UTF-8 cannot hold
        return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()


def event_message(event):
    data = event.data
    if isinstance(data, Media):
        data = {
            "encoding": "base64",
            "kind": data.kind,
            "content": base64.b64encode(data.content).decode(),
            "metadata": data.metadata,
        }
    return {
        "type": "event",
        "channel": event.channel,
        "event_type": event.event_type,
        "data": data,
        "timestamp": event.timestamp,
        "offset": event.offset,
    }


_TYPES = {kind: number for number, kind in KINDS.items()}


def event_envelope(event):
    metadata = to_json(
        {
            "channel": event.channel,
            "event_type": event.event_type,
            "timestamp": event.timestamp,
            "offset": event.offset,
            "metadata": event.data.metadata,
        }
    )
    header = bytes([1, _TYPES[event.data.kind]])
    lengths = len(metadata).to_bytes(2, "big") + len(event.data.content).to_bytes(4, "big")
    return header + lengths + metadata + event.data.content
