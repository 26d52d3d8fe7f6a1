import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { WebSocket as NodeWebSocket, type WebSocket as Peer, WebSocketServer } from "ws";
import { HeddleError } from "../base/errors.ts";
import { allowAnonymous, anonymousIdentity } from "../guard/identity.ts";
import { createHub, type Hub } from "../hub/hub.ts";
import type { Limits } from "../hub/limits.ts";
import type { Ending } from "../hub/options.ts";
import { transportLimit } from "./server.ts";
import { acceptWebSocket } from "./standard.ts";
import { Inbox } from "./testing/stage.ts";

/** The runtime's own standard WebSocket, and that of the npm package ws, which has the same interface. */
const kinds: Readonly<Record<string, typeof WebSocket>> = {
  ...(typeof WebSocket === "undefined" ? {} : { "the runtime's WebSocket": WebSocket }),
  "the WebSocket of ws": NodeWebSocket as unknown as typeof WebSocket,
};

const admission = { identity: anonymousIdentity(), address: "192.0.2.1" };

interface Meeting {
  readonly hub: Hub;
  /** The socket that the hub holds. */
  readonly webSocket: WebSocket;
  /** The other end of it. */
  readonly peer: Peer;
  readonly messages: Inbox<string>;
  readonly endings: Inbox<Ending>;
}

/** Lets a hub hold the client's end of a connection, and a test the server's. */
async function meet(
  kind: typeof WebSocket,
  limits: Partial<Limits>,
  play: (meeting: Meeting) => Promise<void>,
): Promise<void> {
  const endings = new Inbox<Ending>();
  const messages = new Inbox<string>();
  const hub = createHub({
    auth: allowAnonymous(),
    limits,
    onDisconnect: (_connection, ending) => endings.put(ending),
  });
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", maxPayload: 10_000_000 });
  await once(server, "listening");
  const connected = new Promise<Peer>((resolve) =>
    server.on("connection", (peer) => {
      peer.on("message", (data) => messages.put(String(data)));
      resolve(peer);
    })
  );
  const { port } = server.address() as AddressInfo;
  const webSocket = new kind(`ws://127.0.0.1:${port}`);
  acceptWebSocket(hub, webSocket, admission);
  const peer = await connected;
  try {
    await play({ hub: hub as Hub, webSocket, peer, messages, endings });
  } finally {
    peer.terminate();
    await hub.drain({ within: 1 });
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}

const closeOf = (peer: Peer): Promise<[number, string]> =>
  new Promise((resolve) => peer.on("close", (code, reason) => resolve([code, String(reason)])));

for (const [name, kind] of Object.entries(kinds)) {
  describe(`acceptWebSocket() with ${name}`, () => {
    it("waits until it is open, greets first, and answers", () =>
      meet(kind, {}, async ({ hub, peer, messages }) => {
        assertEquals(JSON.parse(await messages.next()).type, "connected");
        assertEquals(hub.connections().map(({ address }) => address), ["192.0.2.1"]);
        peer.send('{"type":"ping","correlation_id":"é"}');
        assertEquals(JSON.parse(await messages.next()).correlation_id, "é");
        peer.send(new Uint8Array([9, 9, 9]));
        assertEquals(JSON.parse(await messages.next()).code, "invalid_message");
      }));

    it("closes with the codes that a standard WebSocket may send", () =>
      meet(kind, {}, async ({ hub, peer, messages, endings }) => {
        await messages.next();
        const closed = closeOf(peer);
        await hub.drain();
        assertEquals(await closed, [4012, "service restart"]);
        assertEquals((await endings.next()).code, 1012);
      }));

    it("answers a message over the hub's limit, and closes for one over the transport's", () =>
      meet(kind, { binary: 100_000 }, async ({ hub, peer, messages, endings }) => {
        await messages.next();
        peer.send(new Uint8Array(100_001));
        assertEquals(JSON.parse(await messages.next()).code, "message_too_large");
        const closed = closeOf(peer);
        peer.send(new Uint8Array(transportLimit(hub) + 1));
        assertEquals((await closed)[0], 4009);
        assertEquals((await endings.next()).code, 1009);
      }));

    it("closes where the binary type was changed, since a Blob would come out of order", () =>
      meet(kind, {}, async ({ webSocket, peer, messages, endings }) => {
        await messages.next();
        webSocket.binaryType = "blob";
        const closed = closeOf(peer);
        peer.send(new Uint8Array(8));
        assertEquals((await closed)[0], 4003);
        assertEquals((await endings.next()).code, 1003);
      }));

    it("tells the hub how the connection ended", () =>
      meet(kind, {}, async ({ peer, messages, endings }) => {
        await messages.next();
        peer.close(4321, "reason");
        assertEquals(await endings.next(), { code: 4321, reason: "reason" });
      }));

    it("refuses one that is closed", () =>
      meet(kind, {}, async ({ hub, webSocket, peer, messages, endings }) => {
        await messages.next();
        peer.terminate();
        assertEquals((await endings.next()).code, 1006);
        assertThrows(() => acceptWebSocket(hub, webSocket, admission), TypeError, "closed");
      }));
  });
}

describe("acceptWebSocket() without the types that would tell of a mistake", () => {
  const hub = createHub({ auth: allowAnonymous() });
  const accept = acceptWebSocket as (...args: readonly unknown[]) => void;
  // As of a peer that is not open yet, so that a mistake would show only later.
  const webSocket = {
    readyState: 0,
    send() {},
    close() {},
    addEventListener: () => assert(false, "it was listened to"),
  };
  const { identity } = admission;
  const cases: Readonly<Record<string, readonly [RegExp, ...unknown[]]>> = {
    "nothing": [/^hub must have the methods accept, disconnect, and has no accept$/],
    "a hub alone": [/^webSocket must have the methods send, close, addEventListener/, hub],
    "null for a socket": [/^webSocket must have .* has no send$/, hub, null, admission],
    "a text for a socket": [/^webSocket must have .* has no send$/, hub, "ws://host", admission],
    "what only has events": [
      /^webSocket must have .* has no send$/,
      hub,
      new EventTarget(),
      admission,
    ],
    "a socket that is not listened to": [
      /has no addEventListener$/,
      hub,
      { readyState: 1, send() {}, close() {} },
      admission,
    ],
    "a data channel": [
      /readyState is a number from 0 to 3$/,
      hub,
      { ...webSocket, readyState: "open" },
      admission,
    ],
    "no admission": [/^admission must be an object, not undefined$/, hub, webSocket],
    "a refusal for an admission": [
      /^admission is the answer that refuses the request/,
      hub,
      webSocket,
      new Response(null, { status: 401 }),
    ],
    "an admission without an identity": [
      /^admission.identity must be an object, not undefined$/,
      hub,
      webSocket,
      { address: "" },
    ],
    "an identity that is none": [
      /^a role must be a non-empty string$/,
      hub,
      webSocket,
      { identity: { ...identity, role: "" }, address: "" },
    ],
    "an admission without an address": [
      /^admission.address must be the IP address/,
      hub,
      webSocket,
      { identity },
    ],
  };
  for (const [what, [allowed, ...given]] of Object.entries(cases)) {
    it(`refuses ${what}`, () => {
      const error = assertThrows(() => accept(...given), HeddleError);
      assertEquals(error.code, "option_invalid");
      assertMatch(error.message, allowed);
      assertEquals(hub.stats().totalConnections, 0);
    });
  }
});
