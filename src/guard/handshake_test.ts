import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { checkHandshake, selectSubprotocol } from "./handshake.ts";
import { Refusal } from "./refusal.ts";

/** RFC 6455 section 1.3. */
const good = {
  upgrade: "websocket",
  connection: "Upgrade",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
};

/** A request as adapters make it: some header fields may not be set on a `Request` everywhere. */
function requestOf(fields: Record<string, string | undefined>, method = "GET"): Request {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  const headers = new Headers(entries as [string, string][]);
  return { method, headers, url: "http://localhost/ws" } as Request;
}

function refusalOf(fields: Record<string, string | undefined>, method?: string): Refusal {
  return assertThrows(() => checkHandshake(requestOf({ ...good, ...fields }, method)), Refusal);
}

describe("checkHandshake()", () => {
  it("takes a good handshake, whatever the case and company of its tokens", () => {
    checkHandshake(requestOf(good));
    checkHandshake(requestOf({
      ...good,
      upgrade: "h2c, WebSocket",
      connection: "keep-alive, upgrade",
      "sec-websocket-version": " 13 ",
    }));
  });

  it("refuses another method with 405", () => {
    for (const method of ["POST", "HEAD", "OPTIONS"]) {
      const refusal = refusalOf({}, method);
      assertEquals([refusal.status, refusal.headers["Allow"]], [405, "GET"]);
    }
  });

  it("refuses what does not ask for a WebSocket with 426", () => {
    for (const upgrade of [undefined, "", "h2c", "websockets"]) {
      const refusal = refusalOf({ upgrade });
      assertEquals([refusal.status, refusal.error], [426, "upgrade_required"]);
      assertEquals(refusal.headers["Upgrade"], "websocket");
    }
  });

  it("refuses another version with 426, and names the one it speaks (RFC 6455 section 4.4)", () => {
    for (const version of [undefined, "", "8", "12", "14", "130", "1 3", "+13", "13, 8"]) {
      const refusal = refusalOf({ "sec-websocket-version": version });
      assertEquals([refusal.status, refusal.error], [426, "unsupported_version"], version);
      assertEquals(refusal.headers["Sec-WebSocket-Version"], "13");
    }
  });

  it("refuses a connection header that does not name upgrade with 400", () => {
    for (const connection of [undefined, "", "keep-alive", "upgraded", "close"]) {
      assertEquals(refusalOf({ connection }).status, 400, connection);
    }
  });

  it("refuses a key that is not 16 bytes in base64 with 400", () => {
    const keys = [
      undefined,
      "",
      "dGhlIHNhbXBsZSBub25jZQ",
      "dGhlIHNhbXBsZSBub25jZQ=",
      "dGhlIHNhbXBsZSBub25jZR==",
      "dGhlIHNhbXBsZSBub25j",
      "dGhlIHNhbXBsZSBub25jZSE=",
      "dGhlIHNhbXBsZSBub25jZSEh",
      "dGhlIHNhbXBsZSBub25j!Q==",
      "dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==",
    ];
    for (const key of keys) {
      const refusal = refusalOf({ "sec-websocket-key": key });
      assertEquals([refusal.status, refusal.error], [400, "bad_handshake"], key);
    }
  });

  it("refuses subprotocols and extensions that are no lists of such with 400", () => {
    for (
      const fields of [
        { "sec-websocket-protocol": "" },
        { "sec-websocket-protocol": "heddle.v1, a b" },
        { "sec-websocket-extensions": "" },
        { "sec-websocket-extensions": "permessage-deflate, x; =1" },
      ]
    ) assertEquals(refusalOf(fields).error, "bad_handshake", JSON.stringify(fields));
  });

  it("passes over subprotocols and extensions that it does not know", () => {
    checkHandshake(requestOf({
      ...good,
      "sec-websocket-protocol": "chat, superchat",
      "sec-websocket-extensions": 'permessage-deflate; client_max_window_bits="10", x-a',
    }));
  });

  it("refuses a body with 400, and takes the length 0", () => {
    for (
      const fields of [
        { "content-length": "1" },
        { "content-length": "0, 5" },
        { "content-length": "-0" },
        { "transfer-encoding": "chunked" },
        { "transfer-encoding": "gzip" },
      ]
    ) assertEquals(refusalOf(fields).error, "bad_handshake", JSON.stringify(fields));
    checkHandshake(requestOf({ ...good, "content-length": "0" }));
  });

  it("takes every key that sixteen bytes can make", () => {
    for (let byte = 0; byte < 256; byte++) {
      const key = btoa(String.fromCharCode(...new Array<number>(16).fill(byte)));
      checkHandshake(requestOf({ ...good, "sec-websocket-key": key }));
    }
  });
});

describe("selectSubprotocol()", () => {
  function selected(offered?: string): string | undefined {
    return selectSubprotocol(requestOf({ "sec-websocket-protocol": offered }));
  }

  it("selects nothing where nothing is offered, or nothing it knows", () => {
    for (const offered of [undefined, "", " , ", "chat", "graphql-ws, mqtt", "HEDDLE.V1"]) {
      assertEquals(selected(offered), undefined, offered);
    }
  });

  it("selects its own protocol wherever it stands among the offers", () => {
    for (const offered of ["heddle.v1", "chat, heddle.v1", "jwt.a.b.c , heddle.v1,jwt-auth"]) {
      assertEquals(selected(offered), "heddle.v1");
    }
  });

  it("selects jwt-auth beside a token, since a browser needs an answer to its offers", () => {
    assertEquals(selected("jwt-auth, jwt.a.b.c"), "jwt-auth");
    assertEquals(selected("jwt.a.b.c, jwt-auth"), "jwt-auth");
  });

  it("echoes a token only where nothing else was offered", () => {
    for (const offered of ["jwt.a.b.c", "jwt-auth.a.b.c", "bearer.a.b.c"]) {
      assertEquals(selected(offered), offered);
      assertEquals(selected(`${offered}, chat`), undefined);
    }
  });

  it("never selects what was not offered", () => {
    for (const offered of ["a", "jwt", "jwt-auth2", "jwt-auth", "heddle.v10", "x, y, jwt-auth"]) {
      const name = selected(offered);
      assert(name === undefined || offered.split(", ").includes(name), name);
    }
  });
});
