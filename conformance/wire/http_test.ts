import { type AddressInfo, createServer, type Socket } from "node:net";
import { describe, it } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { NotHttp } from "./handshake.ts";
import { exchange } from "./http.ts";
import { targetOf, Wire } from "./socket.ts";

const ANSWER = "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\n{}";

/** Posts a body to a server that does this with the first that it is sent. */
async function post(size: number, does: (socket: Socket) => void) {
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.once("data", () => does(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const target = targetOf(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const wire = await Wire.connect(target, { timeout: 60_000 });
  try {
    const request = { method: "POST", path: "/", body: "x".repeat(size) };
    return await exchange(wire, target.authority, request);
  } finally {
    wire.abandon();
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}

describe("exchange()", () => {
  for (const size of [100, 70_000, 20_000_000]) {
    it(`takes an answer before a reset, of ${size} bytes unread`, async () => {
      const answer = await post(size, (socket) => socket.write(ANSWER, () => socket.destroy()));
      assertEquals([answer.status, answer.json], [413, {}]);
    });

    it(`takes an answer before a half-close, of ${size} bytes unread`, async () => {
      const answer = await post(size, (socket) => socket.pause().end(ANSWER));
      assertEquals([answer.status, answer.json], [413, {}]);
    });
  }

  it("waits no longer for an answer when the connection has ended", async () => {
    const ends = [
      (socket: Socket) => socket.end(),
      (socket: Socket) => socket.resetAndDestroy(),
      (socket: Socket) => socket.end(ANSWER.slice(0, -1)),
    ];
    for (const end of ends) await assertRejects(() => post(1, end), NotHttp, "without a whole");
  });
});
