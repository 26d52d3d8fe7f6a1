"""Holds this server's reading of messages against the golden vectors: python3 -m foreign_server.vectors"""

import json
import pathlib
import sys

from .reading import Media, parse_json, position, read_binary, read_text
from .tables import CLOSES, Refusal, check_name, close_action, find_declaration, is_recoverable

FOLDER = pathlib.Path(__file__).parents[3] / "conformance" / "vectors"


def joined(parts):
    if isinstance(parts, str):
        return parts
    return "".join(
        part if isinstance(part, str) else part["repeat"] * part["times"] for part in parts
    )


def text_of(vector):
    if "text" in vector:
        return joined(vector["text"])
    return json.dumps(vector["json"], ensure_ascii=False, separators=(",", ":"))


def refused(read):
    """What `read` gives, or the outcome of its refusal."""
    try:
        return read()
    except Refusal as refusal:
        outcome = {"kind": "error", "code": refusal.code}
        if refusal.correlation_id is not None:
            outcome["correlation_id"] = refusal.correlation_id
        return outcome


def request(message):
    media = message.get("data")
    if not isinstance(media, Media):
        return {"kind": "request", "message": message}
    rest = {name: value for name, value in message.items() if name != "data"}
    said = {"kind": media.kind, "hex": media.content.hex(), "metadata": media.metadata}
    return {"kind": "request", "message": rest, "media": said}


def binary(vector):
    return request(read_binary(bytes.fromhex(joined(vector["hex"])), vector.get("granted")))


def channel_name(vector):
    check_name(vector["name"])
    if "declarations" not in vector:
        return {"kind": "name"}
    return {
        "kind": "declared",
        "declaration": find_declaration(vector["declarations"], vector["name"]),
    }


def close_code(vector):
    code = vector["code"]
    outcome = {"kind": "close", "action": close_action(code)}
    if code in CLOSES:
        outcome["reason"] = CLOSES[code][0]
        outcome["plain"] = code + 3000 if 1000 < code < 3000 else code
    return outcome


READERS = {
    "client_messages": lambda vector: request(read_text(text_of(vector))),
    "envelopes": binary,
    "compressed": binary,
    "positions": lambda vector: {
        "kind": "position",
        "position": position(parse_json(text_of(vector)), "position"),
    },
    "channel_names": channel_name,
    "errors": lambda vector: {
        "kind": "error_code",
        "recoverable": is_recoverable(vector["code"]),
    },
    "close_codes": close_code,
}


def is_permitted(expected, found):
    if expected["kind"] == "application":
        # This server's application declares no messages.
        return found["kind"] == "error" and found["code"] == "unknown_type"
    if "media" in expected:
        media = {**expected["media"], "hex": joined(expected["media"]["hex"])}
        expected = {**expected, "media": media}
    return expected == found


def main():
    passed = failed = 0
    for name, read in READERS.items():
        with open(FOLDER / f"{name}.json", encoding="utf-8") as file:
            vectors = json.load(file)["vectors"]
        for vector in vectors:
            if vector.get("from") == "server":
                continue
            found = refused(lambda: read(vector))
            if any(is_permitted(one, found) for one in vector["expect"]):
                passed += 1
            else:
                failed += 1
                print(f"{vector['id']} ({', '.join(vector['requirements'])}): {found}"[:400])
    print(f"{passed} vectors kept, {failed} broken")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
