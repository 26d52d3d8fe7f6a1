import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
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

/** Its head; undefined where it has none that can be read. */
function shown(incoming: IncomingMessage): RequestHead | undefined {
  try {
    return headOf(incoming);
  } catch {
    return undefined;
  }
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
        const known = ["host", "Host", "x-none", "valueOf", "__proto__"];
        assertEquals(known.map((name) => head.headers.has(name)), [
          true,
          true,
          false,
          false,
          false,
        ]);
      });
    }
  });

  it("shows nothing that a Request does not, whatever comes", async () => {
    const ascii = Array.from({ length: 94 }, (_, i) => String.fromCharCode(0x21 + i));
    const unit = fc.constantFrom(...ascii.filter((character) => character !== "#"));
    const target = fc.tuple(
      fc.constantFrom("/ws", "/a/b~c", "/", "/.", "//h/ws", "/ws;a"),
      fc.oneof(fc.constant(""), fc.string({ unit }).map((query) => `?${query}`)),
    ).map((parts) => parts.join(""));
    const odd = fc.constantFrom(" ", "\t", "\u0080", "\u00a0", "\u00ff", ",");
    const value = fc.oneof(
      { arbitrary: fc.string({ unit, maxLength: 8 }), weight: 8 },
      fc.string({ unit: fc.oneof(unit, odd), maxLength: 8 }),
    );
    const name = fc.constantFrom(
      ...["Origin", "Cookie", "COOKIE", "Set-Cookie", "Authorization", "User-Agent", "Age", "X-A"],
      ...["constructor", "__proto__", "hasOwnProperty", "Sec-WebSocket-Protocol", "Forwarded"],
    );
    const line = fc.tuple(name, value).map(([name, value]) => `${name}:${value}`);
    const host = fc.constantFrom("h", "H:80", "h:443", "[::1]", "127.1", "h%41", "h.", "a b", "");
    let plain = 0;
    await fc.assert(
      fc.asyncProperty(
        target,
        host,
        fc.array(line, { maxLength: 4 }),
        async (target, host, lines) => {
          await received(target, [`Host: ${host}`, ...lines], (incoming) => {
            const head = shown(incoming);
            if (head?.whole === undefined) return;
            plain++;
            const whole = head.whole();
            assertEquals([head.method, head.url], [whole.method, whole.url]);
            const { rawHeaders } = incoming;
            for (const name of [...rawHeaders.filter((_, i) => i % 2 === 0), "x-none", "valueOf"]) {
              assertEquals(head.headers.get(name), whole.headers.get(name), name);
              assertEquals(head.headers.has(name), whole.headers.has(name), name);
            }
          });
        },
      ),
      { numRuns: 200 },
    );
    assert(plain > 20, `${plain} heads were plain: the test tells nothing`);
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
    assert(seen[0] === seen[1], "what one keeps by the request, the other does not find");
  });
});
