import { assert, assertEquals, assertThrows } from "@std/assert";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { describe, it } from "node:test";
import { z } from "zod";
import { HeddleError } from "../base/errors.ts";
import { channel } from "../channel/definition.ts";
import { allowAnonymous, anonymousIdentity } from "../guard/identity.ts";
import { LINGER } from "../http/linger.ts";
import { createHub } from "../hub/hub.ts";
import { message } from "../hub/message.ts";
import { connectRaw } from "../testing/raw_client.ts";
import { runtime } from "../testing/serve.ts";
import { writeOn } from "../testing/write_on.ts";
import { attach, type Attachment, serve } from "./node.ts";
import { frame, goodHandshake, opcodes, openTcp, TcpClient } from "./testing/tcp.ts";

const skip = runtime === "bun" ? "Bun is served by its own adapter" : false;

/** What a stream of Node's writes by, to be looked on at. */
type Written = Record<"_write" | "_writev", (...args: unknown[]) => void>;

/** Counts how often a server writes to its connections. */
function countWrites(server: Server): () => number {
  let writes = 0;
  server.on("connection", (socket: Written) => {
    for (const method of ["_write", "_writev"] as const) {
      const write = socket[method];
      socket[method] = (...args) => {
        writes++;
        write.apply(socket, args);
      };
    }
  });
  return () => writes;
}

const newHub = () => createHub({ auth: allowAnonymous() });

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

/** An application's own server, for as long as `play` takes. */
async function withServer(play: (server: Server, port: number) => Promise<void>): Promise<void> {
  const server = createServer((request, response) => response.end(`page ${request.url}`));
  const port = await listen(server);
  try {
    await play(server, port);
  } finally {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  }
}

async function ask(port: number, target: string, headers = goodHandshake) {
  const client = new TcpClient(port);
  const answer = await client.request(target, headers);
  client.socket.destroy();
  return answer;
}

describe("attach()", { skip }, () => {
  it("leaves the server's other requests alone", () =>
    withServer(async (server, port) => {
      await using hub = newHub();
      const attachment = attach(server, hub, { path: "/live" });
      const page = await fetch(`http://127.0.0.1:${port}/live`);
      assertEquals(await page.text(), "page /live");
      const client = await connectRaw(`ws://127.0.0.1:${port}/live`);
      assertEquals((await client.json())["type"], "connected");
      attachment.close();
      await client.closed;
    }));

  it("answers an upgrade at another path 404 where nobody else listens for upgrades", () =>
    withServer(async (server, port) => {
      await using hub = newHub();
      const attachment = attach(server, hub);
      const { status, headers, body } = await ask(port, "/other");
      assertEquals(status, 404);
      assertEquals(headers.get("connection"), "close");
      assertEquals(JSON.parse(body).error, "not_found");
      attachment.close();
    }));

  it("leaves an upgrade at another path to whoever else listens for upgrades", () =>
    withServer(async (server, port) => {
      await using hub = newHub();
      const attachment = attach(server, hub);
      server.on("upgrade", (request, socket) => {
        if (request.url !== "/theirs") return;
        socket.end("HTTP/1.1 418 Theirs\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
      });
      assertEquals((await ask(port, "/theirs")).status, 418);
      const client = await connectRaw(`ws://127.0.0.1:${port}/ws`);
      assertEquals((await client.json())["type"], "connected");
      attachment.close();
      await client.closed;
    }));

  it("passes over an offer to upgrade to something else, as if it were not there", () =>
    withServer(async (server, port) => {
      await using hub = newHub();
      const attachment = attach(server, hub);
      const { status, body } = await ask(port, "/page", { Connection: "Upgrade", Upgrade: "h2c" });
      assertEquals(status, 200);
      assertEquals(body, "page /page");
      attachment.close();
    }));

  it("attaches several hubs to one server, each at its path", () =>
    withServer(async (server, port) => {
      await using one = newHub();
      await using two = newHub();
      const first = attach(server, one, { path: "/one" });
      const second = attach(server, two, { path: "/two" });
      assertThrows(() => attach(server, two, { path: "/one" }), TypeError, "/one");
      for (const path of ["three", "/th ree", ""]) {
        assertThrows(() => attach(server, two, { path }), HeddleError, "it must be like");
      }
      const misspelt = { paht: "/three" } as object;
      assertThrows(() => attach(server, two, misspelt), HeddleError, 'no option "attach.paht"');
      const client = await connectRaw(`ws://127.0.0.1:${port}/two`);
      assertEquals((await client.json())["type"], "connected");
      assertEquals([one.connections().length, two.connections().length], [0, 1]);
      first.close();
      first.close();
      assertEquals((await ask(port, "/one")).status, 404);
      assertEquals((await client.ask({ type: "ping" }))["type"], "pong");
      second.close();
      await client.closed;
      assertEquals(server.listenerCount("upgrade"), 0);
      attach(server, one, { path: "/one" }).close();
    }));

  it("answers 503 to a request that is still judged when the hub is detached", () =>
    withServer(async (server, port) => {
      let attachment: Attachment | undefined;
      let judged = (): void => {};
      const judging = new Promise<void>((begun) => {
        const auth = async () => {
          await new Promise<void>((resolve) => {
            judged = resolve;
            begun();
          });
          return anonymousIdentity();
        };
        attachment = attach(server, createHub({ auth }));
      });
      const answer = ask(port, "/ws");
      await judging;
      attachment?.close();
      judged();
      const { status, body } = await answer;
      assertEquals([status, JSON.parse(body).error], [503, "draining"]);
    }));

  it("reads the body of an upgrade that it refuses past the answer, so that this is not lost", () =>
    withServer(async (server, port) => {
      await using hub = newHub();
      attach(server, hub, { path: "/live" });
      for (const [path, status] of [["/live", "426"], ["/nowhere", "404"]]) {
        const head = [
          `GET ${path} HTTP/1.1`,
          "Host: 127.0.0.1",
          "Connection: Upgrade",
          "Upgrade: websocket",
          "Sec-WebSocket-Version: 12",
          "Content-Length: 400000",
        ];
        const { answer, failed } = await writeOn(port, head, { after: 400_000 });
        assertEquals([answer.split(" ")[1], failed], [status, undefined]);
      }
    }));

  it("reads on past an answer within its bounds once, from a peer that never ends", async () => {
    await using hub = newHub();
    const server = await serve(hub, { hostname: "127.0.0.1", port: 0 });
    const socket = connect(server.port, "127.0.0.1");
    socket.write("POST /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n");
    socket.write("Transfer-Encoding: chunked\r\n\r\n");
    const chunk = `10000\r\n${" ".repeat(65_536)}\r\n`;
    const send = () => void socket.write(chunk, (error) => error || socket.destroyed || send());
    socket.once("data", send);
    socket.on("error", () => {});
    await new Promise((resolve) => socket.once("close", resolve));
    // More than the bound is what sockets hold.
    assert(socket.bytesWritten < 2 * LINGER.bytes, `${socket.bytesWritten} bytes`);
    await server.close();
  });

  it("judges a request in absolute form by its path, and refuses one that is no address", () =>
    withServer(async (server, port) => {
      await using hub = newHub();
      const attachment = attach(server, hub);
      assertEquals((await ask(port, "http://elsewhere.example/ws")).status, 101);
      assertEquals((await ask(port, "//elsewhere.example/ws")).status, 404);
      assertEquals((await ask(port, "*")).status, 400);
      attachment.close();
    }));

  it("writes the answers to all that one read brought at once", () =>
    withServer(async (server, port) => {
      const writes = countWrites(server);
      await using hub = newHub();
      const attachment = attach(server, hub);
      const client = await openTcp(port);
      assertEquals((await client.json())["type"], "connected");
      const before = writes();
      const pings = [1, 2, 3].map((id) => frame(opcodes.text, `{"type":"ping","id":${id}}`));
      client.send(...pings);
      for (const _ of pings) assertEquals((await client.json())["type"], "pong");
      assertEquals(writes() - before, 1);
      client.socket.destroy();
      attachment.close();
    }));

  it("does not keep what is long until the tick is over, as if a quick reader were slow", () =>
    withServer(async (server, port) => {
      const writes = countWrites(server);
      let within = 0;
      const messages = {
        tell: message(z.object({}), ({ reply }) => {
          const before = writes();
          for (let i = 0; i < 10; i++) reply("told", "x".repeat(20_000));
          within = writes() - before;
        }),
      };
      await using hub = createHub({ auth: allowAnonymous(), messages });
      const attachment = attach(server, hub);
      const client = await openTcp(port);
      assertEquals((await client.json())["type"], "connected");
      client.send(frame(opcodes.text, '{"type":"tell"}'));
      for (let i = 0; i < 10; i++) assertEquals((await client.json())["type"], "told");
      assert(within >= 1);
      client.socket.destroy();
      attachment.close();
    }));

  it("keeps for a session what is published after its client has gone without a Close and without reading", () =>
    withServer(async (server, port) => {
      const ended = new Promise<void>((resolve) => {
        server.once("connection", (socket) => socket.once("end", resolve));
      });
      await using hub = createHub({
        auth: allowAnonymous(),
        channels: { news: channel() },
        limits: { outbox: 134_217_728 },
      });
      const attachment = attach(server, hub);
      const leaving = await openTcp(port);
      const token = (await leaving.json())["reconnection_token"];
      leaving.send(frame(opcodes.text, '{"type":"subscribe","channels":["news"]}'));
      assertEquals((await leaving.json())["type"], "subscribed");
      leaving.socket.pause();
      const news = hub.channel("news");
      // More than the kernel takes for one that does not read.
      for (let i = 0; i < 16; i++) await news.publish("long", "x".repeat(1_000_000));
      leaving.socket.end();
      await ended;
      await news.publish("last", 1);
      const back = await connectRaw(`ws://127.0.0.1:${port}/ws?reconnection_token=${token}`);
      assertEquals((await back.json())["reconnected"], true);
      back.send({ type: "ping" });
      assertEquals((await back.json())["offset"], 17);
      leaving.socket.destroy();
      attachment.close();
      await back.closed;
    }));
});
