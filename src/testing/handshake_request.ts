/** Makes a request for a connection, for a hub without a server. */
export function handshakeRequest(
  url = "http://localhost/ws",
  more: Readonly<Record<string, string>> = {},
): Request {
  const headers = {
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    ...more,
  };
  return new Request(url, { headers });
}
