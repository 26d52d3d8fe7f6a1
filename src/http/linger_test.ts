import { assertEquals, assertStrictEquals } from "@std/assert";
import { describe, it, mock } from "node:test";
import { LINGER, lingering } from "./linger.ts";

const close = { Connection: "close" };

/** A request whose body comes from a source. */
function requestOf(source: UnderlyingDefaultSource<Uint8Array>, headers = close): Request {
  const body = new ReadableStream<Uint8Array>(source, { highWaterMark: 0 });
  const init = { method: "POST", headers, body, duplex: "half" };
  return new Request("http://127.0.0.1/", init);
}

/** Whether a promise is settled once everything that can happen has. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  promise.then(() => settled = true);
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

describe("lingering()", () => {
  it("gives the answer at once, whole, and its end when the request is read", async () => {
    let end = () => {};
    const request = requestOf({ start: (body) => void (end = () => body.close()) });
    const response = await lingering(request, Response.json({ error: "x" }, { status: 403 }));
    assertEquals([response.status, response.headers.get("content-length")], [403, "13"]);
    const reader = response.body!.getReader();
    assertEquals(new TextDecoder().decode((await reader.read()).value), '{"error":"x"}');
    const ended = reader.read();
    assertEquals(await isSettled(ended), false);
    end();
    assertEquals((await ended).done, true);
  });

  it("reads 16 MiB at most, and calls off the rest", async () => {
    let [read, isCalledOff] = [0, false];
    const request = requestOf({
      pull(body) {
        read += 1_048_576;
        body.enqueue(new Uint8Array(1_048_576));
      },
      cancel: () => void (isCalledOff = true),
    });
    const response = await lingering(request, new Response("no"));
    assertEquals(await response.text(), "no");
    assertEquals([read, isCalledOff], [LINGER.bytes, true]);
  });

  it("waits for 5 s at most, and calls off the rest", async () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    try {
      let isCalledOff = false;
      const request = requestOf({ cancel: () => void (isCalledOff = true) });
      const text = (await lingering(request, new Response("no"))).text();
      assertEquals(await isSettled(text), false);
      mock.timers.tick(LINGER.milliseconds - 1);
      assertEquals(await isSettled(text), false);
      mock.timers.tick(1);
      assertEquals([await text, isCalledOff], ["no", true]);
    } finally {
      mock.timers.reset();
    }
  });

  it("ends the answer where the request breaks off", async () => {
    const request = requestOf({ pull: () => Promise.reject(new Error("gone")) });
    assertEquals(await (await lingering(request, new Response("no"))).text(), "no");
  });

  it("leaves alone what is answered on a connection that stays, or to a request that is read", async () => {
    const response = new Response("no");
    const stays = requestOf({}, { Connection: "keep-alive" });
    assertStrictEquals(await lingering(stays, response), response);
    const read = requestOf({ start: (body) => body.close() });
    await read.text();
    assertStrictEquals(await lingering(read, response), response);
    const bare = new Request("http://127.0.0.1/", { headers: close });
    assertStrictEquals(await lingering(bare, response), response);
  });
});
