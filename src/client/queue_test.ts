import { describe, it } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { manualClock } from "../base/clock.ts";
import { HeddleError } from "../base/errors.ts";
import { seededRandom } from "../base/random.ts";
import type { ServerMessage } from "../protocol/messages.ts";
import { Queue, type Writable } from "./queue.ts";
import { Requests } from "./requests.ts";
import { Sender } from "./sender.ts";

/** A frame of the client, parsed. */
interface Frame {
  readonly type: string;
  readonly id: string;
  readonly data: number;
  readonly correlation_id: string;
}

/** Lets every promise that can settle do so. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A queue, and a server in memory that takes publications in order, each once. */
class Model {
  readonly clock = manualClock();
  readonly queue: Queue;
  readonly requests: Requests;
  readonly sender: Sender;
  /** What the server has taken. */
  readonly applied: number[] = [];
  readonly published: number[] = [];
  readonly refused: string[] = [];
  readonly reported: unknown[] = [];
  readonly inFlight: number;
  mostUnderWay = 0;
  isConnected = false;
  isFull = false;
  #next = 0;
  #ids = new Set<string>();
  #up: Frame[] = [];
  #down: ServerMessage[] = [];

  constructor(messages: number, inFlight: number) {
    this.inFlight = inFlight;
    const random = seededRandom(1);
    this.queue = new Queue({
      options: { messages, bytes: 1_000_000 },
      clock: this.clock,
      random,
      isAwaited: () => true,
      report: (error) => void this.reported.push(error),
    });
    this.requests = new Requests(this.clock, random, {
      timeout: Infinity,
      closed: (id) => this.queue.close(id),
    });
    this.sender = new Sender(this.requests, this.queue);
  }

  publish(): void {
    const n = ++this.#next;
    this.sender.publish("c", "e", n, {}).then(
      () => void this.published.push(n),
      (error: HeddleError) => void this.refused.push(`${n} ${error.code}`),
    );
  }

  connect(isResumed: boolean): void {
    if (this.isConnected) this.cut();
    this.isConnected = true;
    // Whoever has lost the session knows no publication again.
    if (!isResumed) this.#ids.clear();
    const link: Writable = {
      isWritable: true,
      check() {},
      send: (frame) => {
        this.#up.push(JSON.parse(String(frame)));
        const underWay = this.#up.length + this.#down.length;
        this.mostUnderWay = Math.max(this.mostUnderWay, underWay);
      },
    };
    this.queue.greet(link);
    this.queue.open({ limits: { in_flight: this.inFlight } }, isResumed);
  }

  /** What is under way is lost, either way. */
  cut(): void {
    this.isConnected = false;
    this.#up = [];
    this.#down = [];
    this.queue.offline(new HeddleError("closed", "cut"));
  }

  /** A message arrives at the server. */
  arrive(): void {
    const frame = this.#up.shift();
    if (frame === undefined) return;
    const { correlation_id, id, data } = frame;
    const timestamp = "2024-12-29T12:00:00Z";
    if (this.isFull) {
      const code = "rate_limited";
      const error = { type: "error", code, message: "", help: "", recoverable: true } as const;
      this.#down.push({ ...error, correlation_id, timestamp });
    } else if (frame.type === "ping") {
      this.#down.push({ type: "pong", correlation_id, timestamp });
    } else {
      if (!this.#ids.has(id)) this.applied.push(data);
      this.#ids.add(id);
      const place = { channel: "c", epoch: "e", offset: data };
      this.#down.push({ type: "published", ...place, correlation_id, timestamp });
    }
  }

  /** An answer arrives at the client. */
  answer(): void {
    const known = this.#down.shift();
    if (known === undefined || !("correlation_id" in known)) return;
    const received = { raw: { ...known }, known, correlationId: known.correlation_id! };
    if (!this.queue.answered(received)) this.requests.take(received);
  }

  async settle(): Promise<void> {
    this.isFull = false;
    if (!this.isConnected) this.connect(true);
    for (let idle = 0; idle < 3; idle++) {
      await turn();
      this.clock.advance(1_000);
      while (this.#up.length + this.#down.length > 0) {
        this.arrive();
        this.answer();
        idle = 0;
      }
    }
    await turn();
  }
}

type Step = "publish" | "arrive" | "answer" | "cut" | "connect" | "expire" | "full" | "turn";

function run(model: Model, step: Step): Promise<void> | void {
  switch (step) {
    case "publish":
      return model.publish();
    case "arrive":
      return model.arrive();
    case "answer":
      return model.answer();
    case "cut":
      return model.cut();
    case "connect":
      return model.connect(true);
    case "expire":
      return model.connect(false);
    case "full":
      model.isFull = !model.isFull;
      return;
    case "turn":
      model.clock.advance(50);
      return turn();
  }
}

function steps(...names: Step[]): fc.Arbitrary<Step[]> {
  const weights: Partial<Record<Step, number>> = { publish: 8, arrive: 6, answer: 6 };
  const arbitraries = names.map((name) => ({
    weight: weights[name] ?? 1,
    arbitrary: fc.constant(name),
  }));
  return fc.array(fc.oneof(...arbitraries), { size: "max", maxLength: 150 });
}

const count = (to: number) => Array.from({ length: to }, (_, n) => n + 1);

describe("Queue", () => {
  it("loses nothing, doubles nothing and keeps the order while the session goes on", async () => {
    const any = steps("publish", "arrive", "answer", "cut", "connect", "turn");
    await fc.assert(
      fc.asyncProperty(any, fc.integer({ min: 9, max: 14 }), async (taken, inFlight) => {
        const model = new Model(1_000, inFlight);
        for (const step of taken) await run(model, step);
        await model.settle();
        const all = count(taken.filter((step) => step === "publish").length);
        assertEquals(model.applied, all);
        assertEquals([...model.published].sort((a, b) => a - b), all);
        assertEquals([model.refused, model.reported], [[], []]);
        assert(model.mostUnderWay <= inFlight, `${model.mostUnderWay} under way`);
        assertEquals(model.queue.size, 0);
      }),
    );
  });

  it("loses and doubles nothing that the server refuses for now", async () => {
    const any = steps("publish", "arrive", "answer", "cut", "connect", "turn", "full");
    await fc.assert(
      fc.asyncProperty(any, async (taken) => {
        const model = new Model(1_000, 12);
        for (const step of taken) await run(model, step);
        await model.settle();
        const all = count(taken.filter((step) => step === "publish").length);
        assertEquals([...model.applied].sort((a, b) => a - b), all);
        assertEquals([model.refused, model.reported], [[], []]);
      }),
    );
  });

  it("answers for everything, over its bound and where a session is lost too", async () => {
    const any = steps("publish", "arrive", "answer", "cut", "connect", "turn", "expire");
    await fc.assert(
      fc.asyncProperty(any, fc.nat(5), async (taken, bound) => {
        const model = new Model(bound, 9);
        for (const step of taken) await run(model, step);
        await model.settle();
        const all = taken.filter((step) => step === "publish").length;
        assertEquals(model.published.length + model.refused.length, all);
        assertEquals(model.applied, [...new Set(model.applied)], "nothing twice");
        assertEquals(model.applied, [...model.applied].sort((a, b) => a - b), "in order");
        for (const n of model.published) assert(model.applied.includes(n));
        for (const refusal of model.refused) {
          const [n, code] = refusal.split(" ");
          if (code === "queue_full") assert(!model.applied.includes(Number(n)), refusal);
          else assertEquals(code, "closed", "its connection was lost, and then the session");
        }
      }),
    );
  });

  it("repeats no publication that the server may have forgotten", async () => {
    const model = new Model(10, 9);
    model.connect(true);
    model.publish();
    model.arrive();
    model.cut();
    model.publish();
    model.clock.advance(290_000);
    await model.settle();
    assertEquals([model.applied, model.refused], [[1, 2], ["1 closed"]]);
  });

  it("says how much may wait", () => {
    const model = new Model(0, 9);
    const send = () => model.sender.message("note", 1, {});
    const error = assertThrows(send, HeddleError, "0 messages of 0 bytes wait");
    assertEquals(error.code, "queue_full");
  });
});
