import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import type { Inbound } from "../protocol/decode.ts";
import type { Request } from "../protocol/messages.ts";
import { InFlight } from "./in_flight.ts";

const publish: Request = { type: "publish", channel: "a", event_type: "e", data: 1 };
const inbound: Inbound = { kind: "request", request: publish };
const newInFlight = () => new InFlight({ inFlight: 3, inFlightBytes: 100 });

describe("InFlight", () => {
  it("counts requests that are awaited, messages behind them and handlers that run", () => {
    const inFlight = newInFlight();
    inFlight.handle("c", 1);
    assertEquals([inFlight.size, inFlight.isBusy], [1, false]);
    inFlight.await(publish, 1);
    inFlight.enqueue(inbound, 1);
    assertEquals([inFlight.size, inFlight.isBusy], [3, true]);
    assert(inFlight.fullness(1)?.includes("3 messages"));
    inFlight.clear();
    assertEquals([inFlight.size, inFlight.isBusy, inFlight.fullness(1)], [0, false, undefined]);
  });

  it("has room for one message of any size, and for more within their bytes", () => {
    const inFlight = newInFlight();
    assertEquals(inFlight.fullness(1_000), undefined);
    const id = inFlight.await(publish, 60);
    assertEquals(inFlight.fullness(40), undefined);
    assert(inFlight.fullness(41)?.includes("100 bytes"));
    inFlight.takeRequest(id);
    inFlight.enqueue(inbound, 60);
    assert(inFlight.fullness(41)?.includes("100 bytes"));
    inFlight.next();
    const handler = inFlight.handle(undefined, 60);
    assert(inFlight.fullness(41)?.includes("100 bytes"));
    inFlight.takeHandling(handler);
    assertEquals(inFlight.fullness(1_000), undefined);
  });

  it("gives messages their turn in the order they came, and none while a request is awaited", () => {
    const inFlight = newInFlight();
    const id = inFlight.await(publish, 1);
    inFlight.enqueue(inbound, 1);
    inFlight.enqueue(inbound, 2);
    assertEquals(inFlight.next(), undefined);
    inFlight.takeRequest(id);
    assertEquals([inFlight.next()?.bytes, inFlight.next()?.bytes, inFlight.next()], [
      1,
      2,
      undefined,
    ]);
  });

  it("gives each effect once, and a request only as a request", () => {
    const inFlight = newInFlight();
    const request = inFlight.await(publish, 1);
    const handler = inFlight.handle("c", 1);
    assertEquals([inFlight.takeHandling(request), inFlight.takeRequest(handler)], [
      undefined,
      undefined,
    ]);
    assertEquals(inFlight.takeRequest(request)?.request, publish);
    assertEquals(inFlight.takeHandling(handler)?.correlationId, "c");
    assertEquals([inFlight.takeRequest(request), inFlight.takeHandling(handler)], [
      undefined,
      undefined,
    ]);
  });
});
