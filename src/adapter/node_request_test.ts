import { assert, assertEquals, assertThrows } from "@std/assert";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { HeddleError } from "../base/errors.ts";
import { anonymousIdentity } from "../guard/identity.ts";
import { withLookup } from "../guard/lookup.ts";
import { Refusal } from "../guard/refusal.ts";
import type { RequestHead } from "../guard/request_head.ts";
import { createHub } from "../hub/hub.ts";
import { runtime } from "../testing/serve.ts";
import { serve } from "./node.ts";
import { headOf } from "./node_request.ts";
import { goodHandshake, TcpClient } from "./testing/tcp.ts";

const skip = runtime === "bun" ? "Bun is served by its own adapter" : false;

const fields = Object.entries(goodHandshake).map(([name, value]) => `${name}: ${value}`);

/** Gives an upgrade request to `look` as node:http has it. */
async function received(
  target: string,
  lines: readonly string[],
  look: (incoming: IncomingMessage) => void,
): Promise<void> {
  const server = createServer();
  const done = new Promise<void>((resolve, reject) => {
    server.on("clientError", reject);
    server.on("upgrade", (incoming, socket) => {
      socket.destroy();
      try {
        resolve(look(incoming));
      } catch (error) {
        reject(error);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { socket } = new TcpClient((server.address() as AddressInfo).port);
  socket.write(`GET ${target} HTTP/1.1\r\n${[...lines, ...fields].join("\r\n")}\r\n\r\n`, "latin1");
  await done;
  server.close();
}

/** What judging may read. */
function read({ method, url, headers }: RequestHead) {
  const names = [...Object.keys(goodHandshake), "Host", "Origin", "Cookie", "Content-Length", "X-A"]
    .map((name) => name.toLowerCase());
  return { method, url, ...Object.fromEntries(names.map((name) => [name, headers.get(name)])) };
}

describe("headOf()", { skip }, () => {
  it("shows of a plain request what its Request shows, which is not made before it is asked for", async () => {
    const cases: readonly (readonly [string, ...string[]])[] = [
      ["/ws", "Host: localhost"],
      ["/ws/a-b_c~d?", "Host: LocalHost:80"],
      ["/ws?token=a.b.c&x=%20+%zz&y={}|^`[]:;,@!$()*/?-", "Host: 127.1:8000"],
      ["/ws", "hOST: [::1]:8000", "ORIGIN: https://example.com", "User-Agent: a (b; c) d/1.0"],
      ["/ws", "Host: example.com:", "Cookie: a=b; c=d", "X-A: 1, 2", "constructor: x"],
    ];
    for (const [target, ...lines] of cases) {
      await received(target, lines, (incoming) => {
        const head = headOf(incoming);
        assert(head.whole !== undefined && !(head instanceof Request), target);
        assert(head.whole() instanceof Request);
        assertEquals(read(head), read(head.whole()), target);
        assertEquals(["host", "x-none"].map((name) => head.headers.has(name)), [true, false]);
      });
    }
  });

  it("makes a Request where what came may be read in another way", async () => {
    const cases: readonly (readonly [string, ...string[]])[] = [
      ["/ws/../ws", "Host: localhost"],
      ["/%77s", "Host: localhost"],
      ["/ws?a='\"<>", "Host: localhost"],
      ["http://localhost/ws", "Host: localhost"],
      ["/ws", "Host: localhost", "X-A: 1", "x-a: 2"],
      ["/ws", "Host: localhost", "Origin: https://a.example", "Origin: https://b.example"],
      ["/ws", "Host: localhost", "X-A: a  b"],
      ["/ws", "Host: localhost", "X-A: \u00e9"],
      ["/ws", "Host: localhost", "X-A:"],
    ];
    for (const [target, ...lines] of cases) {
      await received(target, lines, (incoming) => {
        assert(headOf(incoming) instanceof Request, `${target} ${lines}`);
      });
    }
  });

  it("refuses a Host that names none, also after one that does", async () => {
    for (const lines of [["Host: a b"], ["Host: a,b"], ["Host: a", "Host: a"], ["Host: a@b"]]) {
      await received("/ws", ["Host: localhost"], (incoming) => void headOf(incoming));
      await received("/ws", lines, (incoming) => {
        assertEquals(assertThrows(() => headOf(incoming), Refusal).status, 400, `${lines}`);
      });
    }
  });
});

describe("An application's own authenticator and look-up on Node", { skip }, () => {
  it("are given a Request with all of its fields", async () => {
    const seen: Request[] = [];
    const auth = withLookup(
      (request) => {
        seen.push(request);
        return { ...anonymousIdentity(), userId: "u1" };
      },
      (_identity, request) => {
        seen.push(request);
        throw new HeddleError("unauthorized", "enough seen");
      },
    );
    await using hub = createHub({ auth, logger: { debug() {}, info() {}, warn() {}, error() {} } });
    const server = await serve(hub, { port: 0 });
    const client = new TcpClient(server.port);
    await client.request("/ws?a=b", { ...goodHandshake, "X-A": "1" });
    client.socket.destroy();
    await server.close();
    assertEquals(seen.length, 2);
    for (const request of seen) {
      assert(request instanceof Request);
      const copy = new Request(request, { headers: request.headers });
      assertEquals([copy.url, copy.headers.get("x-a")], ["http://127.0.0.1/ws?a=b", "1"]);
    }
  });
});
