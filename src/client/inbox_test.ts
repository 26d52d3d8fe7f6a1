import { describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type ManualClock, manualClock } from "../base/clock.ts";
import type { Position, ServerMessageOf } from "../protocol/messages.ts";
import { Acknowledger } from "./acknowledger.ts";
import type { GapInfo } from "./events.ts";
import { Inbox } from "./inbox.ts";
import { Positions } from "./positions.ts";

const timestamp = "2024-12-29T12:00:00Z";
const client_id = "6f9619ff-8b86-4011-b42d-00c04fc964ff";

/** A channel of the server: its events, and those for the client among them. */
interface Log {
  readonly name: string;
  epoch: string;
  head: number;
  /** Offsets below are not kept. */
  oldest: number;
  readonly forOthers: Set<number>;
  /** What went to the connection on the channel since it was greeted, or since it was put there. */
  cursor: number | undefined;
}

/** What the server keeps of a client. */
interface Session {
  hasNews: boolean;
}

type FromServer =
  | {
    readonly kind: "connected";
    readonly token: string;
    readonly positions: Record<string, Position>;
  }
  | { readonly kind: "resumed"; readonly message: ServerMessageOf<"resumed"> }
  | { readonly kind: "expired" }
  | { readonly kind: "subscribed"; readonly message: ServerMessageOf<"subscribed"> }
  | {
    readonly kind: "message";
    readonly message: ServerMessageOf<"event"> | ServerMessageOf<"gap">;
  };

type FromClient =
  | {
    readonly kind: "resume";
    readonly token: string;
    readonly positions: Readonly<Record<string, Position>>;
  }
  | { readonly kind: "subscribe"; readonly position: Position | undefined };

/** A hub of one own channel, `@all`, and one that is subscribed to, and a client's inbox behind a wire. */
class Model {
  readonly clock: ManualClock = manualClock();
  readonly handed: { readonly channel: string; readonly epoch: string; readonly offset: number }[] =
    [];
  readonly gaps: GapInfo[] = [];
  readonly logs: readonly Log[];
  readonly #positions = new Positions();
  readonly #inbox: Inbox;
  #down: FromServer[] = [];
  #up: FromClient[] = [];
  readonly #sessions = new Map<string, Session>();
  #session: Session = { hasNews: false };
  #isConnected = false;
  /** The client's token, and what it was greeted with. */
  #token: string | undefined;
  #greeted: Extract<FromServer, { kind: "connected" }> | undefined;
  #tokens = 0;
  /** Where the connection stood on its own channel when it was greeted. */
  #after = 0;
  #epochs = 0;

  constructor() {
    this.logs = ["@all", "news"].map((name) => ({
      name,
      epoch: "e0",
      head: 0,
      oldest: 1,
      forOthers: new Set(),
      cursor: undefined,
    }));
    this.#inbox = new Inbox(this.#positions, new Acknowledger(() => {}), {
      clock: this.clock,
      owner: {
        hand: ({ channel, offset, data }) => {
          this.handed.push({ channel, offset, epoch: String(data) });
          return undefined;
        },
        gap: (gap) => void this.gaps.push(gap),
        recovered: () => {},
        wants: (channel) => channel === "news",
      },
    });
  }

  publish(log: Log, isForOthers: boolean): void {
    log.head++;
    if (isForOthers) log.forOthers.add(log.head);
    if (log.cursor === undefined) return;
    this.#give(log, log.head);
    log.cursor = log.head;
  }

  /** The server forgets the oldest events. */
  trim(log: Log): void {
    log.oldest = Math.min(log.head + 1, log.oldest + 2);
  }

  connect(): void {
    if (this.#isConnected) this.cut();
    this.#isConnected = true;
    const [all] = this.logs;
    this.#after = all!.cursor = all!.head;
    const positions = { "@all": { epoch: all!.epoch, offset: all!.head } };
    this.#session = { hasNews: false };
    this.#down.push({ kind: "connected", token: this.#newToken(), positions });
  }

  cut(): void {
    this.#isConnected = false;
    for (const log of this.logs) log.cursor = undefined;
    this.#down = [];
    this.#up = [];
    this.#inbox.offline();
  }

  /** The server forgets the session, and with `isNew` everything else. */
  expire(isNew: boolean): void {
    if (this.#isConnected) this.cut();
    this.#sessions.clear();
    if (!isNew) return;
    this.#epochs++;
    for (const log of this.logs) {
      Object.assign(log, { epoch: `e${this.#epochs}`, head: 0, oldest: 1 });
      log.forOthers.clear();
    }
  }

  /** A message arrives at the server. */
  arrive(): void {
    const message = this.#up.shift();
    if (message === undefined) return;
    const [all, news] = this.logs;
    if (message.kind === "subscribe") {
      const { positions, recovered } = this.#join(news!, message.position);
      this.#down.push({
        kind: "subscribed",
        message: { type: "subscribed", channels: ["news"], positions, recovered, timestamp },
      });
      this.#session.hasNews = true;
      this.#recover(news!, message.position);
      return;
    }
    const session = this.#sessions.get(message.token);
    if (session === undefined) {
      this.#down.push({ kind: "expired" });
      return;
    }
    this.#session = session;
    const channels = session.hasNews ? [all!, news!] : [all!];
    const joined = channels.map((log) => this.#join(log, message.positions[log.name]));
    this.#down.push({
      kind: "resumed",
      message: {
        type: "resumed",
        client_id,
        channels: session.hasNews ? ["news"] : [],
        positions: Object.assign({}, ...joined.map(({ positions }) => positions)),
        recovered: Object.assign({}, ...joined.map(({ recovered }) => recovered)),
        reconnection_token: this.#newToken(),
        expires_in: 300,
        timestamp,
      },
    });
    // What went out on its own channel since the greeting does not come again.
    this.#recover(all!, message.positions["@all"], { after: this.#after, to: all!.head });
    if (session.hasNews) this.#recover(news!, message.positions["news"]);
  }

  /** A message arrives at the client. */
  receive(): void {
    const message = this.#down.shift();
    switch (message?.kind) {
      case "connected":
        this.#greeted = message;
        if (this.#token !== undefined) {
          this.#inbox.hold(message.positions);
          const positions = this.#positions.all();
          this.#up.push({ kind: "resume", token: this.#token, positions });
        } else this.#begin();
        return;
      case "expired":
        this.#begin();
        return;
      case "resumed":
        this.#token = message.message.reconnection_token;
        this.#inbox.resume(message.message);
        if (!message.message.channels.includes("news")) this.#subscribe();
        return;
      case "subscribed":
        this.#inbox.subscribed(message.message);
        return;
      case "message":
        this.#inbox.receive(message.message);
        return;
      case undefined:
    }
  }

  settle(): void {
    if (!this.#isConnected) this.connect();
    while (this.#up.length + this.#down.length > 0) {
      this.arrive();
      this.receive();
    }
    this.clock.advance(10_000);
  }

  /** Where the client stands now, with everything that can come. */
  get positions(): Readonly<Record<string, Position>> {
    return this.#positions.all();
  }

  #begin(): void {
    this.#token = this.#greeted!.token;
    this.#inbox.begin(this.#greeted!.positions);
    this.#subscribe();
  }

  #subscribe(): void {
    this.#up.push({ kind: "subscribe", position: this.#positions.get("news") });
  }

  /** Used ones stay good: whoever used one may not have learned of the next. */
  #newToken(): string {
    const token = `t${++this.#tokens}`;
    this.#sessions.set(token, this.#session);
    return token;
  }

  #isKnown({ epoch, oldest, head }: Log, since: Position): boolean {
    return since.epoch === epoch && since.offset <= head && since.offset + 1 >= oldest;
  }

  #join(log: Log, since: Position | undefined) {
    const { name, epoch, oldest, head } = log;
    if (since === undefined) {
      return { positions: { [name]: { epoch, offset: head } }, recovered: {} };
    }
    const isKnown = this.#isKnown(log, since);
    return {
      positions: { [name]: isKnown ? since : { epoch, offset: oldest - 1 } },
      recovered: { [name]: isKnown },
    };
  }

  #recover(log: Log, since: Position | undefined, seen?: { after: number; to: number }): void {
    const { name, epoch, oldest, head } = log;
    let from = head + 1;
    if (since !== undefined) {
      const isKnown = this.#isKnown(log, since);
      from = isKnown ? since.offset + 1 : oldest;
      if (!isKnown) {
        const gap = since.epoch === epoch && since.offset <= head
          ? { from: since.offset + 1, to: oldest - 1 }
          : { from: null, to: null };
        const message = { type: "gap", channel: name, epoch, ...gap, timestamp } as const;
        this.#down.push({ kind: "message", message });
      }
    }
    for (let offset = from; offset <= head; offset++) {
      if (seen !== undefined && offset > seen.after && offset <= seen.to) continue;
      this.#give(log, offset);
    }
    log.cursor = head;
  }

  #give({ name, epoch, forOthers }: Log, offset: number): void {
    if (forOthers.has(offset)) return;
    // The epoch is not on the wire; the test wants to know of which one an event is.
    const message = {
      type: "event",
      channel: name,
      event_type: "e",
      data: epoch,
      offset,
      timestamp,
    } as const;
    this.#down.push({ kind: "message", message });
  }
}

type Step =
  | { readonly kind: "publish"; readonly to: 0 | 1; readonly isForOthers: boolean }
  | { readonly kind: "trim"; readonly to: 0 | 1 }
  | { readonly kind: "connect" | "cut" | "arrive" | "receive" | "expire" | "restart" | "wait" };

function stepOf(...kinds: Step["kind"][]): fc.Arbitrary<Step> {
  const to = fc.constantFrom(0, 1);
  const weights: Partial<Record<Step["kind"], number>> = { publish: 8, arrive: 8, receive: 16 };
  return fc.oneof(...kinds.map((kind) => ({
    weight: weights[kind] ?? 1,
    arbitrary: kind === "publish"
      ? fc.record({ kind: fc.constant(kind), to, isForOthers: fc.boolean() })
      : fc.record({ kind: fc.constant(kind), to }),
  }))) as fc.Arbitrary<Step>;
}

function play(model: Model, steps: readonly Step[]): void {
  for (const step of steps) {
    switch (step.kind) {
      case "publish":
        model.publish(model.logs[step.to]!, step.isForOthers);
        break;
      case "trim":
        model.trim(model.logs[step.to]!);
        break;
      case "connect":
        model.connect();
        break;
      case "cut":
        model.cut();
        break;
      case "arrive":
        model.arrive();
        break;
      case "receive":
        model.receive();
        break;
      case "expire":
        model.expire(false);
        break;
      case "restart":
        model.expire(true);
        break;
      case "wait":
        model.clock.advance(2_000);
        break;
    }
  }
  model.settle();
}

/** Each event once; of the present numbering each that is for the client came, or is in a gap, not both. */
function check(model: Model, start: Readonly<Record<string, Position>>): void {
  for (const { name, epoch, head, forOthers } of model.logs) {
    const mine = model.handed.filter(({ channel }) => channel === name);
    const places = mine.map(({ epoch, offset }) => `${epoch}.${offset}`);
    assertEquals(places.length, new Set(places).size, `${name}: nothing twice: ${places}`);
    const gaps = model.gaps.filter(({ channel, epoch: of }) => channel === name && of === epoch);
    const isAdrift = gaps.some(({ from }) => from === null);
    const told = new Set<number>();
    for (const { from, to } of gaps) {
      for (let offset = from ?? 1; offset <= (to ?? 0); offset++) {
        assert(!told.has(offset), `${name}: ${offset} was told to be missing twice`);
        told.add(offset);
      }
    }
    const came = new Set(mine.filter((one) => one.epoch === epoch).map(({ offset }) => offset));
    for (const offset of came) assert(!told.has(offset), `${name}: ${offset} came and is missing`);
    if (isAdrift || start[name]?.epoch !== epoch) continue;
    for (let offset = start[name].offset + 1; offset <= head; offset++) {
      if (forOthers.has(offset)) assert(!came.has(offset), `${name}: ${offset} is for others`);
      else assert(came.has(offset) || told.has(offset), `${name}: ${offset} is lost`);
    }
  }
}

function checkOrder(model: Model): void {
  for (const { name } of model.logs) {
    let last = { epoch: "", offset: 0 };
    for (const { channel, epoch, offset } of model.handed) {
      if (channel !== name) continue;
      if (epoch === last.epoch) assert(offset > last.offset, `${name}: ${offset} in its turn`);
      last = { epoch, offset };
    }
  }
}

const runs = { numRuns: 2_000 };
const lists = (step: fc.Arbitrary<Step>) => fc.array(step, { size: "max", maxLength: 80 });

/** A client that is connected and subscribed. */
function begun(): { readonly model: Model; readonly start: Readonly<Record<string, Position>> } {
  const model = new Model();
  model.settle();
  return { model, start: model.positions };
}

describe("Inbox", () => {
  it("gives everything once and in order, or tells what is missing, while the session lives", () => {
    const step = stepOf("publish", "trim", "connect", "cut", "arrive", "receive");
    fc.assert(
      fc.property(lists(step), (steps) => {
        const { model, start } = begun();
        play(model, steps);
        check(model, start);
        checkOrder(model);
      }),
      runs,
    );
  });

  it("gives everything once, or tells what is missing, where sessions and servers end too", () => {
    const step = stepOf(
      "publish",
      "trim",
      "connect",
      "cut",
      "arrive",
      "receive",
      "expire",
      "restart",
    );
    fc.assert(
      fc.property(lists(step), (steps) => {
        const { model, start } = begun();
        play(model, steps);
        check(model, start);
        checkOrder(model);
      }),
      runs,
    );
  });

  it("waits only so long for what lies before, and loses nothing by that", () => {
    const step = stepOf("publish", "trim", "connect", "cut", "arrive", "receive", "wait");
    fc.assert(
      fc.property(lists(step), (steps) => {
        const { model, start } = begun();
        play(model, steps);
        check(model, start);
      }),
      runs,
    );
  });
});
