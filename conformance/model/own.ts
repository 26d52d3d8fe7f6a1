/**
 * The own channels of users and connections: what an application publishes there.
 *
 * @module
 */
import { isRecord, type ServerMessage, showMessage } from "../channels/shape.ts";
import { type Actor, positionsOf } from "./actor.ts";
import { Follow } from "./follow.ts";
import { law } from "./law.ts";
import { Ledger, type Mark, quoted, showPlace } from "./ledger.ts";
import { judgeStart } from "./starting.ts";

const USER = "@user:";
const CLIENT = "@client:";

/** The own channels of all clients that there were, by name. */
export class OwnChannels {
  readonly #ledgers = new Map<string, Ledger>();

  /** What is known of a client's own channels, those of its user and of its connection. */
  of({ name, user, id }: Actor): readonly Ledger[] {
    const of = (channel: string, shown: string) => {
      const ledger = this.#ledgers.get(channel) ?? new Ledger(channel, shown, { permissions: {} });
      this.#ledgers.set(channel, ledger);
      return ledger;
    };
    const own = of(`${CLIENT}${id}`, `@client, of ${name}`);
    return user === null ? [own] : [of(`${USER}${user}`, `@user, of ${name}`), own];
  }

  get(channel: string): Ledger | undefined {
    return this.#ledgers.get(channel);
  }

  get all(): Iterable<Ledger> {
    return this.#ledgers.values();
  }

  /** Where each stands. */
  marks(): ReadonlyMap<string, Mark> {
    return new Map([...this.#ledgers].map(([name, ledger]) => [name, ledger.mark()]));
  }
}

/** Whether a channel is a user's or a connection's own. */
export function isOwn(channel: string): boolean {
  return channel.startsWith(USER) || channel.startsWith(CLIENT);
}

/** A client that was greeted follows its own channels from where the greeting tells. */
export function followOwn(
  actor: Actor,
  greeting: ServerMessage,
  marks: ReadonlyMap<string, Mark>,
): void {
  const told = positionsOf(greeting);
  for (const ledger of actor.stage.own?.of(actor) ?? []) {
    const { name, shown } = ledger;
    const place = told.get(name);
    law(place !== undefined, "HDL-OWN-1", `a position of ${shown}`, greeting);
    const mark = marks.get(name) ?? { epoch: null, head: 0 };
    const standing = judgeStart(ledger, { from: "now", mark }, place, undefined);
    actor.join(name, new Follow(ledger, actor.id, standing));
  }
}

/** Has the application publish an event on an own channel. */
export function tell(asker: Actor, ledger: Ledger, label: string): void {
  const { name, shown } = ledger;
  const to = name.startsWith(USER)
    ? { user: name.slice(USER.length) }
    : { client: name.slice(CLIENT.length) };
  const { epoch, head } = ledger.mark();
  const publication = ledger.ask(label, null, null);
  const line = asker.stage.log.add(`the application publishes ${quoted(label)} to ${shown}`);
  const payload = { to, event_type: "kit", data: label };
  const message = asker.stage.server.application("kit.publish", payload);
  asker.request(message, line, (answer) => {
    const observed = showMessage(answer);
    if (asker.isTransient(answer)) {
      publication.fate = "none";
      return "not now";
    }
    law(answer.type === "kit.done", "HDL-OWN-2", "kit.done in answer to kit.publish", observed);
    const place = isRecord(answer["payload"]) ? answer["payload"] : {};
    const at = { epoch: String(place["epoch"]), offset: Number(place["offset"]) };
    const isNew = at.epoch !== epoch || at.offset > head;
    law(isNew, "HDL-PUB-1", `a place after offset ${head}`, observed);
    ledger.learn(publication, at);
    return `published, ${showPlace(at)}`;
  });
}
