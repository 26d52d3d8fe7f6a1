import { describe, it } from "node:test";
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { bytesOf } from "./bytes.ts";
import {
  acceptOf,
  decodeResponse,
  encodeRequest,
  headerList,
  headerValues,
  keyOf,
  NotHttp,
  type RequestSpec,
} from "./handshake.ts";
import { targetOf } from "./socket.ts";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

const requestOf = (spec?: RequestSpec) =>
  String.fromCharCode(...encodeRequest(targetOf("ws://example.com:8080/chat?x=1"), KEY, spec));

describe("encodeRequest", () => {
  it("writes an honest handshake", () => {
    assertEquals(
      requestOf(),
      "GET /chat?x=1 HTTP/1.1\r\nHost: example.com:8080\r\nUpgrade: websocket\r\n" +
        `Connection: Upgrade\r\nSec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
    );
  });

  it("replaces, leaves out and doubles fields, whatever the case of their names", () => {
    const request = requestOf({
      headers: { host: "other", Upgrade: null, CONNECTION: ["a", "b"], "X-New": "1" },
    });
    assertEquals(request.split("\r\n").slice(1, -2), [
      "host: other",
      "CONNECTION: a",
      "CONNECTION: b",
      `Sec-WebSocket-Key: ${KEY}`,
      "Sec-WebSocket-Version: 13",
      "X-New: 1",
    ]);
  });

  it("changes the request line, and leaves out a part of it that is empty", () => {
    assertEquals(requestOf({ method: "POST", path: "*" }).split("\r\n")[0], "POST * HTTP/1.1");
    assertEquals(requestOf({ version: "" }).split("\r\n")[0], "GET /chat?x=1");
  });

  it("adds lines byte for byte, other line ends and a body", () => {
    const body = Uint8Array.of(0x89, 0x80, 0xff);
    const request = requestOf({ lines: ["X : \xe9", " folded"], lineEnd: "\n", body });
    assertEquals(request.endsWith("13\nX : \xe9\n folded\n\n\x89\x80\xff"), true);
    assertEquals(request.includes("\r"), false);
  });
});

describe("acceptOf", () => {
  it("gives what RFC 6455 section 1.3 gives for its key", () => {
    assertEquals(acceptOf(KEY), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assertEquals(keyOf(bytesOf("the sample nonce")), KEY);
  });
});

describe("decodeResponse", () => {
  const decode = (text: string) => decodeResponse(Uint8Array.from(text, (c) => c.charCodeAt(0)));
  const HEAD =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nupgrade:\t a , ,b \r\n\r\n";

  it("takes a head apart and leaves what follows it", () => {
    const decoded = decode(HEAD + "\x81\x00");
    assertEquals(decoded?.length, HEAD.length);
    assertEquals(decoded?.response.version, "HTTP/1.1");
    assertEquals(decoded?.response.status, 101);
    assertEquals(decoded?.response.reason, "Switching Protocols");
    assertEquals(decoded?.response.headers, [["Upgrade", "websocket"], ["upgrade", "a , ,b"]]);
  });

  it("asks for more until the head is whole, at every byte of it", () => {
    for (let length = 0; length < HEAD.length; length++) {
      assertEquals(decode(HEAD.slice(0, length)), undefined, HEAD.slice(0, length));
    }
  });

  it("takes a status line without a reason", () => {
    assertEquals(decode("HTTP/1.1 400\r\n\r\n")?.response.reason, "");
    assertEquals(decode("HTTP/1.1 400 \r\n\r\n")?.response.reason, "");
  });

  it("says what is no HTTP", () => {
    const wrong = (text: string) => assertThrows(() => decode(text), NotHttp).message;
    assertStringIncludes(wrong("220 mail"), '"220 mail"');
    assertStringIncludes(wrong("\x88\x02"), "no HTTP");
    assertStringIncludes(wrong("HTTP/1.1 1O1 Hm\r\n\r\n"), "a status line");
    assertStringIncludes(wrong("HTTP/1.1 101 Hm\r\nUpgrade\r\n\r\n"), 'a header line "Upgrade"');
    assertStringIncludes(wrong("HTTP/1.1 101 Hm\r\n: x\r\n\r\n"), 'a header line ": x"');
    assertStringIncludes(wrong("HTTP/1.1 101 Hm\nUpgrade: websocket\n\n"), "LF alone");
    assertStringIncludes(wrong("HTTP/1.1 200 OK\r\nX: " + "x".repeat(65536)), "64 KiB");
  });

  it("lists the values of a field, and their members", () => {
    const response = decode(HEAD)?.response;
    if (response === undefined) throw new Error("no response");
    assertEquals(headerValues(response, "UPGRADE"), ["websocket", "a , ,b"]);
    assertEquals(headerList(response, "Upgrade"), ["websocket", "a", "b"]);
    assertEquals(headerValues(response, "Connection"), []);
  });
});
