import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { bytesOf, decodeUtf8 } from "../wire/bytes.ts";
import { targetOf, Wire } from "../wire/socket.ts";
import { BadNetwork } from "./network.ts";

/** What one connection of the server behind the network got, and how it ended. */
interface Behind {
  readonly socket: Socket;
  readonly chunks: string[];
  ending: "none" | "fin" | "reset";
}

/** A server that sends back what it gets, behind a network for two clients. */
async function behind(use: (network: BadNetwork, behind: Behind[]) => Promise<void>) {
  const all: Behind[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const one: Behind = { socket, chunks: [], ending: "none" };
    all.push(one);
    socket.setNoDelay(true);
    socket.on("data", (chunk) => {
      one.chunks.push(String(chunk));
      socket.write(chunk);
    });
    socket.on("end", () => one.ending = "fin");
    socket.on("error", () => one.ending = "reset");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const network = await BadNetwork.open(targetOf(`ws://127.0.0.1:${port}/`), 2);
  try {
    await use(network, all);
  } finally {
    network.close();
    for (const { socket } of all) socket.destroy();
    await closed(server);
  }
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

function connect(network: BadNetwork, client = 0): Promise<Wire> {
  return Wire.connect(network.targetOf(client), { timeout: 10_000 });
}

async function said(wire: Wire, text: string): Promise<void> {
  const came = () => decodeUtf8(wire.peek()) === text ? true : undefined;
  await wire.waitFor(`"${text}"`, came);
}

describe("BadNetwork", () => {
  it("passes on everything as it is, until it is told otherwise", () =>
    behind(async (network) => {
      const wire = await connect(network);
      wire.write(bytesOf("hello"));
      await said(wire, "hello");
      wire.halfClose();
    }));

  it("takes apart into single bytes, for one client alone", () =>
    behind(async (network, all) => {
      network.befall(0, { how: "segments" });
      const [first, second] = [await connect(network), await connect(network, 1)];
      first.write(bytesOf("abc"));
      await said(first, "abc");
      second.write(bytesOf("abc"));
      await said(second, "abc");
      assertEquals(all.map(({ chunks }) => chunks.join("")), ["abc", "abc"]);
    }));

  it("holds up one way until it lets pass", () =>
    behind(async (network) => {
      const wire = await connect(network);
      network.befall(0, { how: "stall", way: "up" });
      assertEquals(network.isStalled(0), true);
      wire.write(bytesOf("late"));
      network.befall(0, { how: "flow" });
      await said(wire, "late");
    }));

  it("breaks after so many bytes, in the middle of what is sent", () =>
    behind(async (network, all) => {
      const wire = await connect(network);
      network.befall(0, { how: "break", after: 3, way: "up" });
      wire.write(bytesOf("abcdef"));
      await wire.waitFor("the end", () => wire.ending ?? undefined);
      assertEquals("abc".startsWith(all[0]?.chunks.join("") ?? ""), true);
    }));

  it("breaks the next connection, where there is none", () =>
    behind(async (network) => {
      network.befall(0, { how: "break", after: 2, way: "down" });
      const wire = await connect(network);
      wire.write(bytesOf("abcdef"));
      await wire.waitFor("the end", () => wire.ending ?? undefined);
      assertEquals(wire.peek().length <= 2, true);
    }));

  it("leaves a connection half open: the client goes, and the server is not told", () =>
    behind(async (network, all) => {
      const wire = await connect(network);
      wire.write(bytesOf("a"));
      await said(wire, "a");
      network.befall(0, { how: "half-open" });
      assertEquals(network.isDead(0), true);
      wire.write(bytesOf("b"));
      wire.reset();
      const next = await connect(network);
      assertEquals(network.isDead(0), false);
      next.write(bytesOf("c"));
      await said(next, "c");
      assertEquals(all.map(({ chunks, ending }) => [chunks.join(""), ending]), [
        ["a", "none"],
        ["c", "none"],
      ]);
    }));

  it("tells the server of a break when the client comes back", () =>
    behind(async (network, all) => {
      const wire = await connect(network);
      wire.write(bytesOf("a"));
      await said(wire, "a");
      network.befall(0, { how: "reset" });
      await wire.waitFor("the end", () => wire.ending ?? undefined);
      const [before] = all;
      await new Promise<void>((resolve) => before?.socket.write("lost", () => resolve()));
      assertEquals(before?.ending, "none");
      const told = new Promise((resolve) => before?.socket.once("close", resolve));
      const next = await connect(network);
      await told;
      assertEquals(before?.ending, "reset");
      next.write(bytesOf("b"));
      await said(next, "b");
    }));

  for (const how of ["reset", "end"] as const) {
    it(`ends a connection by ${how}`, () =>
      behind(async (network) => {
        const wire = await connect(network);
        wire.write(bytesOf("a"));
        await said(wire, "a");
        network.befall(0, { how });
        await wire.waitFor("the end", () => wire.ending ?? undefined);
      }));
  }
});
