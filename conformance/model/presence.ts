/**
 * What a subscription is told of those who come and go, held against what they did.
 *
 * @module
 */
import { isRecord, type ServerMessage, showMessage } from "../channels/shape.ts";
import type { Actor } from "./actor.ts";
import { law } from "./law.ts";
import type { Ledger } from "./ledger.ts";

/** A member, as far as one subscriber was told. */
interface Told {
  readonly isOn: boolean;
  /** By an event; an answer may be ahead of the events that tell the same. */
  readonly byEvent: boolean;
  readonly connections: unknown;
}

/**
 * Milliseconds that are waited for what is to be told: no less, since servers gather changes, and no
 * more, since the other clients give no sign of life meanwhile.
 */
const WAIT = { least: 400, most: 2_000 } as const;

/** Whether a message tells of presence. */
export function isPresence({ type, offset }: ServerMessage): boolean {
  return type === "event" && offset === undefined;
}

/** Who is on a channel, as one subscriber was told. */
export class Presence {
  readonly #members = new Map<string, Told>();
  readonly #leaves = new Map<string, number>();
  #isKnown = false;

  /** Takes an answer: the first tells of those who were there before. */
  begin({ members }: ServerMessage): void {
    if (this.#isKnown || !Array.isArray(members)) return;
    this.#isKnown = true;
    for (const member of members.filter(isRecord)) {
      const { connections } = member;
      const key = keyOf(member);
      if (!this.#members.has(key)) {
        this.#members.set(key, { isOn: true, byEvent: false, connections });
      }
    }
  }

  /** Takes an event that came to a subscriber. */
  event(message: ServerMessage, reader: Actor, { name, shown }: Ledger): void {
    const { event_type, data } = message;
    if (event_type === "presence.count") {
      this.#members.clear();
      this.#isKnown = false;
      return;
    }
    const observed = `${showMessage(message)} to ${reader.name}`;
    const member = isRecord(data) ? data : {};
    const { client_id, metadata, connections } = member;
    const key = keyOf(member);
    const theirs = reader.stage.actors.filter(({ keys }) => keys.has(key));
    const [first] = theirs;
    law(first !== undefined, "HDL-PRE-6", `only clients of ${shown} told of`, observed);
    const isTheirs = theirs.some(({ ids }) => ids.has(String(client_id)));
    law(isTheirs, "HDL-PRE-4", `a client id of ${first.name}`, observed);
    law(metadata === null, "HDL-PRE-4", "metadata null, nothing having been said", observed);
    // A former connection of the same member may have had part in it.
    const isOwn = theirs.length === 1 && first === reader && client_id === reader.id &&
      !reader.departures.has(name, key);
    law(!isOwn, "HDL-PRE-9", "nothing of its own doing", observed);
    const before = this.#members.get(key);
    const isOn = event_type !== "presence.leave";
    const isRight = isOn ? Number(connections) > 0 : connections === 0;
    law(isRight, "HDL-PRE-6", `connections, ${isOn ? "1 or more" : "0"}`, observed);
    const wasTold = before?.byEvent === true;
    switch (event_type) {
      case "presence.join":
        law(!(wasTold && before.isOn), "HDL-PRE-6", `one join of ${first.name}`, observed);
        break;
      case "presence.update":
        law(!wasTold || before.isOn, "HDL-PRE-6", `a join of ${first.name} before`, observed);
        break;
      case "presence.leave": {
        law(!wasTold || before.isOn, "HDL-PRE-6", `one leave of ${first.name}`, observed);
        const leaves = (this.#leaves.get(key) ?? 0) + 1;
        this.#leaves.set(key, leaves);
        const most = theirs.reduce((sum, one) => sum + one.departures.due(name, key), 0);
        law(leaves <= most, "HDL-PRE-10", `${first.name} counted in for now`, observed);
        break;
      }
      default:
        law(false, "HDL-PRE-6", "an event of the table", observed);
    }
    this.#members.set(key, { isOn, byEvent: true, connections });
  }

  /** What would have to be told still for it to be as the answer says; null where nothing would. */
  missing({ members }: ServerMessage, reader: Actor, { name }: Ledger): string | null {
    if (!this.#isKnown || !Array.isArray(members)) return null;
    const listed = new Map(members.filter(isRecord).map((one) => [keyOf(one), one]));
    for (const key of new Set([...this.#members.keys(), ...listed.keys()])) {
      if (key === reader.key) continue;
      const who = reader.stage.actors.find(({ keys }) => keys.has(key))?.name ?? key;
      const told = this.#members.get(key);
      const member = listed.get(key);
      // An answer may tell of what is then undone, and never told of (HDL-PRE-8).
      if (told?.byEvent !== true) {
        const hasLeft = reader.stage.actors.some((one) => one.departures.has(name, key));
        if (member !== undefined && told === undefined && !hasLeft) {
          return `presence.join of ${who}`;
        }
        continue;
      }
      if (member === undefined && told.isOn) return `presence.leave of ${who}`;
      if (member !== undefined && !told.isOn) return `presence.join of ${who}`;
      if (member !== undefined && member["connections"] !== told.connections) {
        return `presence.update of ${who}, with ${member["connections"]} connections`;
      }
    }
    return null;
  }
}

/** When a client may be said to have left channels. */
export class Departures {
  #all: { readonly channel: string; readonly key: string; readonly id: string; at: number }[] = [];

  /** It leaves, `after` so many milliseconds if it does not come back. */
  add(channel: string, { key, id }: Actor, after: number): void {
    this.#all.push({ channel, key, id, at: performance.now() + after });
  }

  /** The session of this id is back: of it nobody may be told any more what was not due yet. */
  isBack(id: string): void {
    const now = performance.now();
    this.#all = this.#all.filter((one) => one.id !== id || one.at <= now);
  }

  /** Whether a member has left, or was about to. */
  has(channel: string, key: string): boolean {
    return this.#all.some((one) => one.channel === channel && one.key === key);
  }

  /** How often a member may have left by now. */
  due(channel: string, key: string): number {
    const now = performance.now();
    return this.#all.filter((one) => one.channel === channel && one.key === key && one.at <= now)
      .length;
  }
}

/** Asks who is there as the subscription begins. */
export function beginPresence(actor: Actor, ledger: Ledger): void {
  const presence = actor.presenceOf(ledger.name);
  if (presence === null) return;
  ask(actor, ledger, (answer) => presence.begin(answer));
}

/** Waits until a subscriber was told all that has become of the members. */
export async function agree(actor: Actor, ledger: Ledger): Promise<void> {
  const { name } = ledger;
  for (;;) {
    const presence = actor.presenceOf(name);
    if (presence === null) return;
    let missing: string | null = null;
    ask(actor, ledger, (answer) => {
      missing = presence.missing(answer, actor, ledger);
    });
    if (!await actor.answered() || missing === null) return;
    const isOf = (message: ServerMessage) => message["channel"] === name && isPresence(message);
    const timeout = Math.min(Math.max(actor.stage.server.timeout, WAIT.least), WAIT.most);
    await actor.until(isOf, `${missing} to ${actor.name} (HDL-PRE-6)`, timeout);
  }
}

function ask(actor: Actor, { name }: Ledger, take: (answer: ServerMessage) => void): void {
  actor.request({ type: "presence", channel: name }, { text: "", outcome: null }, (answer) => {
    if (answer.type !== "presence") return "";
    const { members, count } = answer;
    const fits = !Array.isArray(members) || members.length === count;
    law(fits, "HDL-PRE-1", `as many members as ${count}`, answer);
    take(answer);
    return "";
  });
}

function keyOf({ user_id, client_id }: Readonly<Record<string, unknown>>): string {
  return String(user_id ?? client_id);
}
