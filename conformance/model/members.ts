/**
 * Who may be said to be on a channel with presence.
 *
 * @module
 */
import { isRecord, showMessage } from "../channels/shape.ts";
import type { Actor } from "./actor.ts";
import { law } from "./law.ts";
import type { Ledger } from "./ledger.ts";

/** Asks who is on a channel: all who are for sure, and nobody who cannot be. */
export function askWho(actor: Actor, ledger: Ledger, all: readonly Actor[]): void {
  const { name, shown, offer } = ledger;
  const line = actor.stage.log.add(`${actor.name} asks who is on ${shown}`);
  const before = new Map(all.map((other) => [other, other.follows.get(name)]));
  actor.request({ type: "presence", channel: name }, line, (answer) => {
    if (actor.isTransient(answer)) return "not now";
    const observed = showMessage(answer);
    if (!actor.may("subscribe", ledger)) {
      law(answer["code"] === "forbidden", "HDL-PRE-2", `forbidden, as ${actor.role}`, observed);
      return "forbidden";
    }
    if (offer.presence === undefined) {
      law(answer["code"] === "unsupported", "HDL-PRE-2", "unsupported", observed);
      return "unsupported";
    }
    law(answer.type === "presence", "HDL-PRE-1", "presence", observed);
    const { members, count } = answer;
    if (!Array.isArray(members)) return `${count} members`;
    law(members.length === count, "HDL-PRE-1", `as many members as ${count}`, observed);
    const keys = members.filter(isRecord).map(({ user_id, client_id }) => user_id ?? client_id);
    law(new Set(keys).size === keys.length, "HDL-PRE-3", "each member once", observed);
    for (const other of all) {
      // What others asked meanwhile may have been done or not.
      const follow = other.follows.get(name);
      const isOn = follow !== undefined && follow === before.get(other) && !other.unsure.has(name);
      const key = other.user ?? other.id;
      law(!isOn || keys.includes(key), "HDL-PRE-1", `${other.name} among the members`, observed);
    }
    const ever = new Set(all.flatMap((other) => [...other.keys]));
    for (const key of keys) {
      law(ever.has(String(key)), "HDL-PRE-1", `clients of ${shown} alone`, observed);
    }
    return `${count} members`;
  });
}
