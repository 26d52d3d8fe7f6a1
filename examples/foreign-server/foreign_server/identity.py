"""Who is behind a request: a token of a fixed list, a JWT of HS256, or nobody."""

import base64
import hashlib
import hmac
import json
import time
import unicodedata
from dataclasses import dataclass

TOLERANCE = 5  # seconds that clocks may differ


class Unauthorized(Exception):
    def __init__(self, name, message):
        super().__init__(message)
        self.name, self.message = name, message


@dataclass(frozen=True)
class Identity:
    user_id: str | None
    role: str
    expires_at: float | None = None  # Unix seconds

    @property
    def expires_in(self):
        return None if self.expires_at is None else max(0, round(self.expires_at - time.time(), 3))


ANONYMOUS = Identity(None, "anonymous")


class Identities:
    def __init__(self, tokens=None, secret=None, anonymous=True):
        self._tokens, self._secret = tokens or {}, secret
        self.lets_in_anonymous = anonymous

    def of_request(self, headers, query):
        """The identity of a request for a connection or a route."""
        tokens = set(_tokens_of(headers, query))
        if len(tokens) > 1:
            raise Unauthorized("unauthorized", "the request carries different tokens")
        if tokens:
            return self.of_token(tokens.pop())
        if not self.lets_in_anonymous:
            raise Unauthorized("unauthorized", "a token is needed")
        return ANONYMOUS

    def of_token(self, token):
        if len(token) > 8_192:
            raise Unauthorized("unauthorized", "the token is longer than 8192 characters")
        known = self._tokens.get(token)
        if known is not None:
            return Identity(known.get("user_id"), known.get("role", "viewer"))
        if self._secret is None:
            raise Unauthorized("unauthorized", "nobody has this token")
        return _judge(token, self._secret)


def _tokens_of(headers, query):
    for given in headers.get_all("Authorization"):
        scheme, _, token = given.strip().partition(" ")
        if scheme.lower() == "bearer" and token.strip():
            yield token.strip()
        else:
            raise Unauthorized("unauthorized", "Authorization must be a Bearer token")
    for name in ("token", "auth_token"):
        yield from filter(None, query.get(name, []))
    for protocol in offered(headers):
        form, _, token = protocol.partition(".")
        if form in ("jwt", "jwt-auth", "bearer") and token:
            yield token if token.count(".") == 2 else _decoded(token).decode(errors="replace")


def offered(headers):
    """The subprotocols that a request offers."""
    lines = ",".join(headers.get_all("Sec-WebSocket-Protocol"))
    return [name.strip() for name in lines.split(",") if name.strip()]


def _decoded(text):
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise Unauthorized("unauthorized", "the token is malformed") from None


def _judge(token, secret):
    def refuse(message, name="unauthorized"):
        raise Unauthorized(name, message)

    parts = token.split(".")
    if len(parts) != 3:
        refuse("the token is malformed")
    try:
        header, claims = (json.loads(_decoded(part)) for part in parts[:2])
    except ValueError:
        refuse("the token is malformed")
    if not isinstance(header, dict) or not isinstance(claims, dict):
        refuse("the token is malformed")
    if header.get("alg") != "HS256" or "crit" in header:
        refuse("the token's algorithm is not HS256")
    signed = f"{parts[0]}.{parts[1]}".encode()
    right = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    if not hmac.compare_digest(right, _decoded(parts[2])):
        refuse("the token's signature does not hold")
    if claims.get("token_type", "access") != "access":
        refuse("the token is no access token")
    now, expiry, start = time.time(), claims.get("exp"), claims.get("nbf")
    for instant in (expiry, start):
        if instant is not None and (not isinstance(instant, (int, float)) or instant is True):
            refuse("a time in the token is no number")
    if expiry is not None and now >= expiry + TOLERANCE:
        refuse("the token has run out", "token_expired")
    if start is not None and now < start - TOLERANCE:
        refuse("the token does not hold yet")
    user_id = claims["sub"] if "sub" in claims else claims.get("user_id")
    role = claims.get("role", "viewer")
    if not _is_user_id(user_id) or not isinstance(role, str):
        refuse("the token does not name a user and a role")
    return Identity(user_id, role, expiry)


def _is_user_id(value):
    return (
        isinstance(value, str)
        and 1 <= len(value.encode("utf-16-le", "surrogatepass")) // 2 <= 255
        and all(unicodedata.category(letter) != "Cc" for letter in value)
    )
