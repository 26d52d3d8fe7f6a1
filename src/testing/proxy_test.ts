import { describe, it } from "node:test";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { assert, assertEquals } from "@std/assert";
import { given } from "./given.ts";
import { CuttingProxy, type ProxyOptions } from "./proxy.ts";

/** A server that sends back what it gets, behind a proxy, with one connection through it. */
async function setup(options?: ProxyOptions) {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.on("data", (chunk) => socket.write(chunk));
    socket.on("end", () => socket.end());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const proxy = await CuttingProxy.open((server.address() as AddressInfo).port, options);
  return {
    proxy,
    open: () => new Peer(proxy.port),
    async [Symbol.asyncDispose]() {
      await proxy.close();
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** The client's end. */
class Peer {
  readonly socket: Socket;
  readonly ended: Promise<string>;
  readonly chunks: number[] = [];
  received = "";
  #waiting: (() => void)[] = [];

  constructor(port: number) {
    this.socket = connect(port, "127.0.0.1");
    this.socket.on("data", (chunk) => {
      this.chunks.push(chunk.byteLength);
      this.received += chunk.toString();
      for (const check of this.#waiting) check();
    });
    this.ended = new Promise((resolve) => {
      let how = "closed";
      this.socket.on("end", () => how = "ended");
      this.socket.on("error", (error: Error & { code?: string }) => how = error.code ?? "error");
      this.socket.on("close", () => resolve(how));
    });
  }

  has(text: string): Promise<void> {
    return new Promise((resolve) => {
      const check = () => this.received === text ? resolve() : undefined;
      this.#waiting.push(check);
      check();
    });
  }
}

const withProxy = given(setup);

describe("CuttingProxy", () => {
  it(
    "passes everything on, and the end of it",
    withProxy(async ({ open, proxy }) => {
      const peer = open();
      peer.socket.write("hello");
      await peer.has("hello");
      peer.socket.end("bye");
      await peer.has("hellobye");
      assertEquals(await peer.ended, "ended");
      assertEquals([proxy.size, proxy.counts.accepted], [0, 1]);
    }),
  );

  it(
    "hands on in segments, and loses none",
    withProxy(async ({ open, proxy }) => {
      proxy.split(3);
      const peer = open();
      const text = "0123456789".repeat(20);
      peer.socket.write(text);
      await peer.has(text);
      assert(proxy.counts.split > 0);
    }),
  );

  it(
    "holds up one way, then lets it go",
    withProxy(async ({ open, proxy }) => {
      const peer = open();
      peer.socket.write("a");
      await peer.has("a");
      proxy.stall("down");
      peer.socket.write("b");
      const other = open();
      other.socket.write("c");
      proxy.flow();
      await Promise.all([peer.has("ab"), other.has("c")]);
    }),
  );

  it(
    "ends connections, or resets them",
    withProxy(async ({ open, proxy }) => {
      const first = open();
      first.socket.write("a");
      await first.has("a");
      assertEquals(proxy.cut(), 1);
      assertEquals(await first.ended, "ended");
      const second = open();
      second.socket.write("a");
      await second.has("a");
      assertEquals(proxy.cut("reset"), 1);
      await second.ended;
      assertEquals([proxy.counts.ended, proxy.counts.reset, proxy.size], [1, 1, 0]);
    }),
  );

  it(
    "takes no connection while it refuses",
    withProxy(async ({ open, proxy }) => {
      proxy.refuse();
      const peer = open();
      peer.socket.write("a");
      await peer.ended;
      assertEquals(peer.received, "");
      proxy.flow();
      const other = open();
      other.socket.write("b");
      await other.has("b");
    }),
  );

  it("fails each connection after the same bytes for the same seed", async () => {
    async function run(): Promise<readonly string[]> {
      const given = await setup({ seed: 42 });
      const { proxy, open } = given;
      proxy.trouble({ bytes: 2000, stall: 1 });
      const lengths: string[] = [];
      for (let i = 0; i < 8; i++) {
        const before = { ...proxy.counts };
        const peer = open();
        peer.socket.write("x".repeat(2500));
        await peer.ended;
        lengths.push(proxy.counts.reset > before.reset ? "reset" : "ended");
      }
      await given[Symbol.asyncDispose]();
      return lengths;
    }
    const once = await run();
    assertEquals(await run(), once);
    assertEquals(new Set(once), new Set(["reset", "ended"]));
  });
});
