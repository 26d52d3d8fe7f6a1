import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import type { Inbound } from "../protocol/decode.ts";
import type { Request } from "../protocol/messages.ts";
import { InFlight } from "./in_flight.ts";

const publish: Request = { type: "publish", channel: "a", event_type: "e", data: 1 };
const inbound: Inbound = { kind: "request", request: publish };
const newInFlight = () => new InFlight({ inFlight: 3, inFlightBytes: 100 });
const request = (id: number, bytes: number) => ({ id, request: publish, bytes, rejected: [] });
const handler = (bytes: number) => ({ correlationId: "c", bytes });

describe("InFlight", () => {
  it("counts requests that are awaited, messages behind them and handlers that run", () => {
    const inFlight = newInFlight();
    inFlight.handle(1, handler(1));
    assertEquals([inFlight.size, inFlight.isBusy], [1, false]);
    inFlight.await(request(2, 1));
    inFlight.enqueue(inbound, 1);
    assertEquals([inFlight.size, inFlight.isBusy], [3, true]);
    assert(inFlight.fullness(1)?.includes("3 messages"));
  });

  it("has room for one message of any size, and for more within their bytes", () => {
    const inFlight = newInFlight();
    assertEquals(inFlight.fullness(1_000), undefined);
    inFlight.await(request(1, 60));
    assertEquals(inFlight.fullness(40), undefined);
    assert(inFlight.fullness(41)?.includes("100 bytes"));
    inFlight.takeRequest(1);
    inFlight.enqueue(inbound, 60);
    assert(inFlight.fullness(41)?.includes("100 bytes"));
    inFlight.next();
    inFlight.handle(2, handler(60));
    assert(inFlight.fullness(41)?.includes("100 bytes"));
    inFlight.takeHandling(2);
    assertEquals(inFlight.fullness(1_000), undefined);
  });

  it("gives messages their turn in the order they came, and none while a request is awaited", () => {
    const inFlight = newInFlight();
    inFlight.await(request(1, 1));
    inFlight.enqueue(inbound, 1);
    inFlight.enqueue(inbound, 2);
    assertEquals(inFlight.next(), undefined);
    inFlight.takeRequest(1);
    assertEquals([inFlight.next()?.bytes, inFlight.next()?.bytes, inFlight.next()], [
      1,
      2,
      undefined,
    ]);
  });

  it("gives each effect once, and a request only as a request", () => {
    const inFlight = newInFlight();
    inFlight.await(request(1, 1));
    inFlight.handle(2, handler(1));
    assertEquals([inFlight.takeHandling(1), inFlight.takeRequest(2)], [undefined, undefined]);
    assertEquals(inFlight.takeRequest(1)?.request, publish);
    assertEquals(inFlight.takeHandling(2)?.correlationId, "c");
    assertEquals([inFlight.takeHandling(2), inFlight.takeRequest(1)], [undefined, undefined]);
  });
});
