/** Makes a request for a connection, for a hub without a server. */
export function handshakeRequest(url = "http://localhost/ws"): Request {
  const headers = {
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
  };
  return new Request(url, { headers });
}
