import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { describe, it } from "node:test";
import { assert } from "@std/assert";
import { awakeNow, setAlarm } from "./clock.ts";

/** Keeps the process from doing anything else for so long. */
function standStill(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

const alarm = (milliseconds: number) =>
  new Promise<void>((resolve) => setAlarm(milliseconds, resolve));

describe("the clock of the kit", () => {
  it("goes on with time while something is waited for, and never faster", async () => {
    const [began, awake] = [performance.now(), awakeNow()];
    await alarm(200);
    const passed = awakeNow() - awake;
    assert(passed >= 200 && passed <= performance.now() - began, `${passed} ms`);
  });

  it("stands still while the process does", async () => {
    const began = awakeNow();
    const waited = alarm(500);
    standStill(1_000);
    assert(awakeNow() - began < 100);
    await waited;
    assert(awakeNow() - began >= 500);
  });

  it("rings only when what had come by then was read", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
    const [socket] = await once(server, "connection") as [Socket];
    let read = "";
    client.on("data", (chunk) => read += chunk);
    await new Promise<void>((resolve) => socket.write("before", () => resolve()));
    const rung = alarm(0);
    standStill(100);
    await rung;
    socket.destroy();
    client.destroy();
    server.close();
    assert(read === "before");
  });

  it("does not ring when it was called off, be it at the last moment", async () => {
    let rang = false;
    const off = [0, 50].map((milliseconds) => setAlarm(milliseconds, () => rang = true));
    setTimeout(() => off[0]?.(), 20);
    off[1]?.();
    await alarm(100);
    assert(!rang);
  });
});
