/**
 * Any sequence of messages, outcomes, times, revocations and closes, held against a model that knows the
 * promises of PROTOCOL.md and nothing of how the session keeps them.
 */
import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import fc from "fast-check";
import { assertNever } from "../base/exhaustive.ts";
import { closeTable } from "../protocol/close.ts";
import type { Inbound } from "../protocol/decode.ts";
import { Written } from "../protocol/encode.ts";
import {
  type ApplicationMessage,
  type Request,
  type ServerMessage,
  serverSchemas,
} from "../protocol/messages.ts";
import type { Effect, EffectId, Outcome } from "./effect.ts";
import { Session } from "./session.ts";
import { connected, timestamp } from "./fixture.ts";
import {
  inboundOf,
  INTERVAL,
  isUsable,
  lost,
  outcomeOf,
  type Step,
  steps,
  type What,
} from "./steps_fixture.ts";

const SUBSCRIPTIONS = 3;
const IN_FLIGHT = 4;
const IN_FLIGHT_BYTES = 1_000;
const TIMEOUT = 90;
const WALL = Date.UTC(2024, 11, 29, 12);
const TOLERANCE = 5_000;
const WARNING = 60_000;
/** The longest time for which a deadline by the wall clock is relied upon. */
const LOOK = 30_000;

const farewell = { reconnection_token: "token", expires_in: 300, retry_after: 1 };

/** A message that was received, until it has been answered or handed over. */
interface Item {
  readonly what: What;
  readonly inbound: Inbound;
  readonly correlationId: string | undefined;
  readonly channels: readonly string[];
  readonly bytes: number;
}

/** An effect that wants an outcome, and the message it is for. */
interface Due {
  readonly item: Item;
  readonly effect: Effect & { readonly id: EffectId };
}

/** Runs steps and judges every effect as it comes. */
class Trial {
  readonly #session: Session;
  #state: "opening" | "open" | "closed" = "opening";
  #now = 0;
  #received = 0;
  /** What came and has neither been answered nor handed over, in order. */
  readonly #line: Item[] = [];
  /** The effect that the head of the line waits for. */
  #pending: Due | undefined;
  readonly #handling = new Map<EffectId, Due>();
  readonly #settled = new Set<EffectId>();
  readonly #subscriptions = new Set<string>();
  /** Whether nothing was subscribed to or resumed or is about to be, in the order of the answers. */
  #mayResume = true;
  #heard = 0;
  #pings: number[] = [];
  /** What the wall clock is ahead of the monotonic one. */
  #ahead = WALL;
  #credential: { readonly expiresAt: number; isWarned: boolean; lookAt: number } | undefined;

  constructor() {
    this.#session = new Session({
      subscriptions: SUBSCRIPTIONS,
      inFlight: IN_FLIGHT,
      inFlightBytes: IN_FLIGHT_BYTES,
      liveness: { interval: INTERVAL, timeout: TIMEOUT },
      declares: (type) => type === "declared",
      timestamp: () => timestamp,
    }, 0);
  }

  run(step: Step): void {
    switch (step.do) {
      case "open":
        this.#open();
        break;
      case "open with":
        this.#open(unique(step.channels).filter(isUsable).slice(0, SUBSCRIPTIONS));
        break;
      case "receive":
        this.#receive(step);
        break;
      case "settle":
        this.#settle(step.which, step.good);
        break;
      case "settle wrongly":
        this.#settleWrongly(step.id);
        break;
      case "hear":
        this.#session.heard(this.#now);
        this.#heard = this.#now;
        this.#pings = [];
        break;
      case "wait":
        this.#advance(step.ms);
        break;
      case "wait for the deadline":
        if (this.#state !== "closed") this.#advance(this.#deadline() - this.#now + step.late);
        break;
      case "revoke":
        this.#revoke(step.channels);
        break;
      case "renew":
        this.#renew(step.expiresIn);
        break;
      case "set the wall clock":
        this.#ahead += step.by;
        break;
      case "close":
        this.#close();
        break;
      case "end":
        this.#session.closed();
        this.#state = "closed";
        break;
      default:
        assertNever(step);
    }
    this.#compare();
  }

  /** What must hold after every step. */
  #compare(): void {
    const session = this.#session;
    if (this.#state === "closed") {
      assertEquals(session.deadline, undefined);
      assertEquals(session.inFlight, 0);
      return;
    }
    assertEquals([...session.subscriptions], [...this.#subscriptions]);
    assert(session.subscriptions.size <= SUBSCRIPTIONS, "more subscriptions than allowed");
    assertEquals(session.inFlight, this.#line.length + this.#handling.size);
    assert(session.inFlight <= IN_FLIGHT, "more in flight than allowed");
    assertEquals(session.deadline, this.#deadline());
    // Nothing waits without a reason: for `connected`, or for one outcome.
    if (this.#state === "open") {
      assertEquals(this.#pending?.item, this.#line[0], "the head of the line does not move");
    }
  }

  /** @param joined The channels that its request put it on, beside the hub's own. */
  #open(joined?: readonly string[]): void {
    const position = { epoch: "e", offset: 1 };
    const results = joined?.concat("@all").map((channel) => ({ channel, position }));
    const effects = this.#session.open(
      { ...connected, heartbeat_interval: INTERVAL / 1000 },
      results,
    );
    if (this.#state !== "opening") return assertEquals(effects, []);
    for (const channel of joined ?? []) this.#subscriptions.add(channel);
    if (joined !== undefined) this.#mayResume = false;
    const [first, ...rest] = effects;
    assert(first?.kind === "send" && first.message.type === "connected", "connected is not first");
    this.#state = "open";
    this.#judge(rest);
  }

  #receive({ what, channels, bytes }: Extract<Step, { do: "receive" }>): void {
    // One in three has no correlation id, but handlers: their failures come in any order.
    const number = this.#received++;
    const correlationId = number % 3 === 0 && what !== "declared" ? undefined : `#${number}`;
    const inbound = inboundOf(what, channels, correlationId);
    const item: Item = { what, inbound, correlationId, channels, bytes };
    const waiting = [...this.#line, ...Array.from(this.#handling.values(), ({ item }) => item)];
    const together = waiting.reduce((sum, { bytes }) => sum + bytes, bytes);
    const isFull = waiting.length >= IN_FLIGHT ||
      (waiting.length > 0 && together > IN_FLIGHT_BYTES);
    const effects = this.#session.receive(inbound, bytes);
    if (this.#state === "closed") return assertEquals(effects, []);
    if (!isFull) {
      this.#line.push(item);
      if (this.#state === "opening") return assertEquals(effects, []);
      return this.#judge(effects);
    }
    assertEquals(effects.length, 1);
    const [effect] = effects;
    if (this.#state === "opening") return this.#judgeClose(effect, closeTable.try_again_later);
    assert(effect?.kind === "send" && effect.message.type === "error");
    assertEquals(effect.message.code, "rate_limited");
    this.#checkMessage(effect.message, correlationId);
  }

  #settle(which: number, good: readonly boolean[]): void {
    const all = [...this.#pending === undefined ? [] : [this.#pending], ...this.#handling.values()];
    const due = all[which % all.length];
    if (due === undefined) return;
    const { id } = due.effect;
    const outcome = outcomeOf(due.effect, good);
    const effects = this.#session.settle(id, outcome);
    if (this.#state === "closed") return assertEquals(effects, []);
    this.#settled.add(id);
    if (this.#handling.delete(id)) {
      if (outcome.kind !== "failed") return assertEquals(effects, []);
      assertEquals(effects.length, 1);
      const [effect] = effects;
      assert(effect?.kind === "send" && effect.message.type === "error");
      assertEquals(effect.message.code, outcome.failure.code);
      return this.#checkMessage(effect.message, due.item.correlationId);
    }
    this.#pending = undefined;
    const [answer, ...rest] = effects;
    assert(answer?.kind === "send", "an outcome is not followed by its answer");
    assert(!(answer.message instanceof Written));
    this.#answered(answer.message, outcome);
    this.#judge(outcome.kind === "authenticated" ? this.#loses(outcome.lost.channels, rest) : rest);
  }

  /** Takes what the role does not permit off the effects that follow `authenticated`. */
  #loses(channels: readonly string[], effects: readonly Effect[]): readonly Effect[] {
    const gone = channels.filter((channel) => this.#subscriptions.delete(channel));
    if (gone.length === 0) return effects;
    const [leave, told, ...rest] = effects;
    assertEquals(leave, { kind: "leave", channels: gone });
    const { code, message } = lost;
    assertEquals(told, {
      kind: "send",
      message: { type: "unsubscribed", channels: gone, code, message, timestamp },
    });
    return rest;
  }

  #settleWrongly(id: number): void {
    const isDue = this.#pending?.effect.id === id || this.#handling.has(id);
    if (isDue && !this.#settled.has(id)) return;
    assertEquals(this.#session.settle(id, { kind: "handled" }), []);
  }

  get #wall(): number {
    return this.#ahead + this.#now;
  }

  #renew(expiresIn: number | undefined): void {
    if (expiresIn === undefined) {
      this.#credential = undefined;
      this.#session.renew(undefined, this.#now, this.#wall);
      return;
    }
    const expiresAt = this.#wall + expiresIn;
    this.#credential = { expiresAt, isWarned: false, lookAt: 0 };
    this.#look();
    this.#session.renew({ expiresAt, tolerance: TOLERANCE }, this.#now, this.#wall);
  }

  #look(): void {
    if (this.#credential === undefined) return;
    const { expiresAt, isWarned } = this.#credential;
    const next = isWarned ? expiresAt + TOLERANCE : expiresAt - WARNING;
    this.#credential.lookAt = this.#now + Math.min(LOOK, Math.max(0, next - this.#wall));
  }

  #advance(ms: number): void {
    this.#now += ms;
    const effects = [...this.#session.advance(this.#now, this.#wall)];
    if (this.#state === "closed") return assertEquals(effects, []);
    const credential = this.#credential;
    if (credential !== undefined && this.#wall >= credential.expiresAt + TOLERANCE) {
      assertEquals(effects, [{ kind: "expire" }]);
      return this.#close();
    }
    const isDue = credential !== undefined && this.#wall >= credential.expiresAt - WARNING;
    if (isDue && !credential.isWarned && this.#state === "open") {
      credential.isWarned = true;
      const warning = effects.shift();
      assert(warning?.kind === "send" && warning.message.type === "token_expiring");
      const left = Math.max(0, Math.round((credential.expiresAt - this.#wall) / 1000));
      assertEquals(warning.message.token_expires_in, left);
      this.#checkMessage(warning.message, undefined);
    }
    this.#look();
    if (this.#now < this.#silentUntil()) return assertEquals(effects, []);
    assertEquals(effects.length, 1);
    const [first] = this.#pings;
    if (first !== undefined && this.#now >= first + TIMEOUT - INTERVAL) {
      return this.#judgeClose(effects[0], closeTable.not_alive);
    }
    assertEquals(effects[0], { kind: "ping", missed: this.#pings.length });
    this.#pings.push(this.#now);
  }

  #deadline(): number {
    return Math.min(this.#silentUntil(), this.#credential?.lookAt ?? Infinity);
  }

  /** An interval after the last sign of life or Ping, but no later than the time-out. */
  #silentUntil(): number {
    const [first] = this.#pings;
    if (first === undefined) return this.#heard + INTERVAL;
    return Math.min(this.#pings.at(-1)! + INTERVAL, first + TIMEOUT - INTERVAL);
  }

  #revoke(channels: readonly string[]): void {
    const gone = [...new Set(channels)].filter((channel) => this.#subscriptions.has(channel));
    const effects = this.#session.revoke(channels, lost);
    if (this.#state !== "open" || gone.length === 0) return assertEquals(effects, []);
    for (const channel of gone) this.#subscriptions.delete(channel);
    const [leave, told, ...rest] = effects;
    assertEquals(leave, { kind: "leave", channels: gone });
    const { code, message } = lost;
    assertEquals(told, {
      kind: "send",
      message: { type: "unsubscribed", channels: gone, code, message, timestamp },
    });
    assertEquals(rest, []);
  }

  #close(): void {
    const effects = this.#session.close(closeTable.service_restart, farewell);
    if (this.#state === "closed") return assertEquals(effects, []);
    const wasOpen = this.#state === "open";
    assertEquals(effects.length, wasOpen ? 2 : 1);
    if (wasOpen) {
      const [told] = effects;
      assert(told?.kind === "send" && told.message.type === "disconnected");
      const { reconnection_token, expires_in, retry_after } = told.message;
      assertEquals({ reconnection_token, expires_in, retry_after }, farewell);
      this.#checkMessage(told.message, undefined);
    }
    this.#judgeClose(effects.at(-1), closeTable.service_restart);
  }

  #judgeClose(
    effect: Effect | undefined,
    { code, reason }: { code: number; reason: string },
  ): void {
    assertEquals(effect, { kind: "close", close: { code, reason } });
    this.#state = "closed";
  }

  /** Effects that come as the line moves. */
  #judge(effects: readonly Effect[]): void {
    const left: string[] = [];
    effects.forEach((effect, i) => {
      const [head] = this.#line;
      switch (effect.kind) {
        case "handle":
          assert(head?.what === "declared", "something else comes before it");
          assertEquals(effect.message, (head.inbound as { message: ApplicationMessage }).message);
          this.#line.shift();
          this.#handling.set(effect.id, { item: head, effect });
          return;
        case "join":
        case "locate":
        case "remind":
        case "publish":
        case "history":
        case "presence":
        case "resume":
        case "authenticate":
          assert(head !== undefined && this.#pending === undefined, "two requests at once");
          this.#pending = { item: head, effect };
          return this.#checkRequest(head, effect);
        case "acknowledge":
          // Nothing answers it.
          assert(head?.what === "ack" && this.#pending === undefined, "an ack out of turn");
          assertEquals(effect.ackIds, head.channels);
          this.#line.shift();
          return;
        case "leave":
          left.push(...effect.channels);
          return;
        case "vary": {
          const before = effects[i - 1];
          assert(before?.kind === "send" && before.message.type === "welcome");
          assertEquals(new Set(effect.subscriptions), new Set(this.#subscriptions));
          return;
        }
        case "send":
          assertEquals(this.#pending, undefined, "an answer overtakes another");
          if (head?.what === "unsubscribe") {
            const expected = unique(head.channels).filter((name) => this.#subscriptions.has(name));
            assertEquals(left.splice(0), expected);
          }
          assert(!(effect.message instanceof Written));
          return this.#answered(effect.message, undefined);
        default:
          throw new Error(`${effect.kind} does not belong here`);
      }
    });
    assertEquals(left, [], "channels were left that nobody was told of");
  }

  #checkRequest({ what, inbound, channels }: Item, effect: Effect): void {
    switch (effect.kind) {
      case "join": {
        assertEquals(what, "subscribe");
        let room = SUBSCRIPTIONS - this.#subscriptions.size;
        const expected = unique(channels).filter((name) =>
          isUsable(name) && (this.#subscriptions.has(name) || room-- > 0)
        );
        this.#mayResume = false;
        return assertEquals(
          effect.joins,
          expected.map((channel) =>
            channel === "a" || channel === "constructor"
              ? { channel, since: { epoch: channel, offset: 7 } }
              : { channel, last: 3 }
          ),
        );
      }
      case "locate":
        assertEquals(what, "get_subscriptions");
        return assertEquals(effect.channels, [...this.#subscriptions]);
      case "remind":
        return assertEquals(what, "get_reconnection_token");
      case "publish":
      case "history":
        assertEquals(what, effect.kind);
        assert(isUsable(channels[0]!));
        return assertEquals(effect.request, (inbound as { request: Request }).request);
      case "presence":
        assertEquals(what, "presence");
        assert(isUsable(channels[0]!));
        return assertEquals(effect.channel, channels[0]);
      case "resume":
        assertEquals(what, "resume");
        assert(this.#mayResume, "resumed twice, or after a subscribe");
        this.#mayResume = false;
        return assertEquals(effect.request, (inbound as { request: Request }).request);
      case "authenticate":
        assertEquals(what, "authenticate");
        return assertEquals(effect.token, "token");
    }
  }

  /** The head of the line is answered: by what is right for it, and with its correlation id. */
  #answered(message: ServerMessage, outcome: Outcome | undefined): void {
    const item = this.#line.shift();
    assert(item !== undefined, `${message.type} answers nothing`);
    this.#checkMessage(message, item.correlationId);
    const code = message.type === "error" ? message.code : undefined;
    const { what, channels } = item;
    if (outcome?.kind === "failed") {
      // What was asked was away, and the client was told to try again.
      if (what === "resume") this.#mayResume = true;
      return assertEquals(code, outcome.failure.code);
    }
    switch (what) {
      case "faulty":
        return assertEquals(code, "invalid_json");
      case "undeclared":
        return assertEquals(code, "unknown_type");
      case "declared":
        throw new Error("an application message was answered by the session");
      case "hello":
        return assertEquals(message.type, "welcome");
      case "get_reconnection_token":
        return assertEquals(message.type, "reconnection_token");
      case "ping":
        return assertEquals(message.type, "pong");
      case "publish":
        if (outcome === undefined) return assertEquals(isUsable(channels[0]!), false, code);
        return assertEquals(message.type, "published");
      case "history":
      case "presence":
        if (outcome === undefined) return assertEquals(isUsable(channels[0]!), false, code);
        return assertEquals(message.type, what);
      case "authenticate":
        return assertEquals(message.type, "authenticated");
      case "ack":
        throw new Error("an ack was answered");
      case "resume": {
        if (outcome === undefined) {
          assertEquals(this.#mayResume, false, "a resume was refused that was in time");
          return assertEquals(code, "invalid_message");
        }
        assert(message.type === "resumed" && outcome.kind === "resumed");
        const joined = outcome.results.flatMap((one) => "position" in one ? [one.channel] : []);
        for (const channel of joined) if (isUsable(channel)) this.#subscriptions.add(channel);
        assertEquals(message.channels, joined.filter(isUsable));
        return assertEquals(Object.keys(message.positions).sort(), joined.sort());
      }
      case "subscribe": {
        assert(message.type === "subscribed" && outcome?.kind === "joined");
        const joined = outcome.results.filter((result) => "position" in result);
        for (const { channel } of joined) this.#subscriptions.add(channel);
        assertEquals(message.channels, joined.map(({ channel }) => channel));
        assertEquals(Object.keys(message.positions).sort(), [...message.channels].sort());
        return assertNamedOnce(message, channels);
      }
      case "unsubscribe":
        assert(message.type === "unsubscribed" && message.code === undefined);
        for (const channel of message.channels) this.#subscriptions.delete(channel);
        assertEquals(message.channels, unique(channels).filter(isUsable));
        return assertNamedOnce(message, channels);
      case "get_subscriptions":
        assert(message.type === "subscriptions");
        assertEquals(message.channels, [...this.#subscriptions]);
        return assertEquals(Object.keys(message.positions).sort(), [...message.channels].sort());
      default:
        assertNever(what);
    }
  }

  /** Every message fits its schema and repeats the correlation id it answers, or has none. */
  #checkMessage(message: ServerMessage, correlationId: string | undefined): void {
    const result = serverSchemas[message.type].safeParse(message);
    assert(result.success, JSON.stringify(result.error?.issues));
    assertEquals("correlation_id" in message ? message.correlation_id : undefined, correlationId);
  }
}

function assertNamedOnce(
  message: {
    readonly channels: readonly string[];
    readonly rejected?: readonly Named[] | undefined;
  },
  asked: readonly string[],
): void {
  const rejected = (message.rejected ?? []).map(({ channel }) => channel);
  assertEquals([...message.channels, ...rejected].sort(), unique(asked).sort());
}

interface Named {
  readonly channel: string;
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}

describe("A session", () => {
  it("keeps its promises through any messages, outcomes, times, revocations and closes", () => {
    fc.assert(
      fc.property(fc.nat(6), steps, (early, steps) => {
        const trial = new Trial();
        steps.forEach((step, i) => {
          if (i === early) trial.run({ do: "open" });
          trial.run(step);
        });
      }),
      { numRuns: 2_000 },
    );
  });
});
