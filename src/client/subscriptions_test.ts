import { describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { HeddleError } from "../base/errors.ts";
import { manualClock } from "../base/clock.ts";
import type { ServerMessageOf } from "../protocol/messages.ts";
import { RefusedError } from "./errors.ts";
import type { Subscription } from "./subscription.ts";
import { Subscriptions } from "./subscriptions.ts";

/** What a test does next. */
type Step =
  | { readonly kind: "add"; readonly channel: string }
  | { readonly kind: "remove"; readonly index: number }
  | { readonly kind: "drop" | "connect" | "busy" | "wait" | "turn" | "answer" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("add"),
      channel: fc.constantFrom("a", "b", "c", "forbidden"),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("remove"), index: fc.nat() }) },
  { weight: 8, arbitrary: fc.constant({ kind: "answer" }) },
  { weight: 8, arbitrary: fc.constant({ kind: "turn" }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constantFrom("drop", "connect", "busy", "wait") }),
  },
) as fc.Arbitrary<Step>;

/** Lets every promise that can settle do so. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A server in memory, which answers when it is told to. */
class Model {
  readonly clock = manualClock();
  readonly lost: string[] = [];
  readonly reported: unknown[] = [];
  readonly subscriptions: Subscriptions;
  readonly held: Subscription[] = [];
  granted = new Set<string>();
  isBusy = false;
  isConnected = false;
  pending = 0;
  #unanswered: { answer(): void; cut(): void }[] = [];

  constructor() {
    this.subscriptions = new Subscriptions({
      subscribe: (channels) => this.#ask(() => this.#subscribe(channels)),
      unsubscribe: (channels) =>
        this.#ask(() => {
          for (const channel of channels) this.granted.delete(channel);
        }),
      later: (ms, fn) => this.clock.after(ms, fn),
      call(handlers, event) {
        for (const handler of handlers) void handler(event);
        return undefined;
      },
      left: () => {},
      lost: (channels) => void this.lost.push(...channels),
      report: (error) => void this.reported.push(error),
    });
  }

  add(channel: string): void {
    this.pending++;
    this.subscriptions.add(channel, () => {}).then(
      (subscription) => {
        this.pending--;
        this.held.push(subscription);
      },
      (error: unknown) => {
        this.pending--;
        assert(error instanceof RefusedError);
        const expected = channel === "forbidden" ? ["forbidden", "rate_limited"] : ["rate_limited"];
        assert(expected.includes(error.reason), error.reason);
      },
    );
  }

  drop(): void {
    this.isConnected = false;
    this.granted = new Set();
    this.subscriptions.offline();
    for (const { cut } of this.#unanswered.splice(0)) cut();
  }

  connect(): void {
    if (this.isConnected) this.drop();
    this.isConnected = true;
    this.subscriptions.online();
  }

  answer(): void {
    assert(this.#unanswered.length <= 1, "one request at a time");
    this.#unanswered.shift()?.answer();
  }

  async settle(): Promise<void> {
    this.isBusy = false;
    if (!this.isConnected) this.connect();
    for (let round = 0; round < 10; round++) {
      await turn();
      this.answer();
      this.clock.advance(5000);
    }
    await turn();
  }

  #ask<T>(work: () => T): Promise<T> {
    assert(this.isConnected, "asks only while there is a connection");
    return new Promise((resolve, reject) => {
      const busy = { code: "rate_limited", message: "slow down", retry_after: 2 };
      this.#unanswered.push({
        answer: () => this.isBusy ? reject(new RefusedError(busy)) : resolve(work()),
        cut: () => reject(new HeddleError("closed", "gone")),
      });
    });
  }

  #subscribe(asked: readonly string[]): ServerMessageOf<"subscribed"> {
    const channels = asked.filter((channel) => channel !== "forbidden");
    for (const channel of channels) this.granted.add(channel);
    return {
      type: "subscribed",
      channels,
      positions: {},
      timestamp: "",
      rejected: asked.filter((channel) => channel === "forbidden")
        .map((channel) => ({ channel, code: "forbidden", message: "no" })),
    };
  }
}

describe("Subscriptions", () => {
  it("end up with what has handlers, whatever happened on the way", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { size: "max", maxLength: 60 }), async (steps) => {
        const model = new Model();
        model.connect();
        for (const step of steps) {
          switch (step.kind) {
            case "add":
              model.add(step.channel);
              break;
            case "remove": {
              const [subscription] = model.held.splice(step.index % (model.held.length || 1), 1);
              void subscription?.unsubscribe();
              break;
            }
            case "drop":
              model.drop();
              break;
            case "connect":
              model.connect();
              break;
            case "busy":
              model.isBusy = !model.isBusy;
              break;
            case "turn":
              await turn();
              break;
            case "answer":
              model.answer();
              break;
            case "wait":
              model.clock.advance(1000);
              break;
          }
        }
        await model.settle();
        const wanted = new Set(model.held.map(({ channel }) => channel));
        assertEquals([...model.granted].sort(), [...wanted].sort());
        assertEquals(model.pending, 0, "everybody was answered");
        assertEquals([model.lost, model.reported], [[], []]);
        assert(!wanted.has("forbidden"));
      }),
    );
  });

  it("leave what could not be left at first, though somebody comes back to it meanwhile", async () => {
    const model = new Model();
    const answered = async () => {
      await turn();
      model.answer();
      await turn();
    };
    model.connect();
    model.add("b");
    await answered();
    void model.held.pop()?.unsubscribe();
    await turn();
    model.isBusy = true;
    model.add("b");
    await answered(); // the unsubscription is refused for now
    model.clock.advance(2_000);
    await answered(); // and so is what is asked next
    await model.settle();
    assertEquals([...model.granted], model.held.map(({ channel }) => channel));
    assertEquals(model.pending, 0);
  });
});
