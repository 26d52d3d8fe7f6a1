/**
 * What a client asks of channels, and what the model lets the server answer.
 *
 * @module
 */
import type { Position } from "../channels/client.ts";
import { OTHER_EPOCH, rejection } from "../channels/places.ts";
import { isRecord, type ServerMessage, showMessage } from "../channels/shape.ts";
import { type Actor, positionsOf } from "./actor.ts";
import { Follow } from "./follow.ts";
import { law } from "./law.ts";
import { type Ledger, quoted, showPlace } from "./ledger.ts";
import { isOwn } from "./own.ts";
import { judgePast } from "./past.ts";
import { beginPresence } from "./presence.ts";
import { type Asked, judgeStart } from "./starting.ts";
import type { Step } from "./step.ts";

/** How far beyond the newest event a client may ask for. */
const FUTURE = 1000;

/** How many of the newest events it asks for. */
const NEWEST = 2;

type Of<D extends Step["does"]> = Extract<Step, { readonly does: D }>;

/** Asks to be subscribed. */
export function subscribe(actor: Actor, ledger: Ledger, step: Of<"subscribe">): void {
  const { name, shown } = ledger;
  const mark = ledger.mark();
  const asked = askedBy(actor, ledger, step.from);
  const line = actor.stage.log.add(`${actor.name} subscribes to ${shown}${showAsked(asked)}`);
  actor.unsure.add(name);
  const fields = asked.from === "position"
    ? { positions: { [name]: asked.position } }
    : asked.from === "last"
    ? { last: asked.count }
    : {};
  actor.request({ type: "subscribe", channels: [name], ...fields }, line, (answer) => {
    if (actor.isTransient(answer)) return "not now";
    const had = includes(answer, "channels", name);
    const code = rejection(answer, name);
    const observed = showMessage(answer);
    law(answer.type === "subscribed", "HDL-SUB-1", "subscribed", observed);
    law(had !== (code !== null), "HDL-SUB-1", `${shown} in channels or in rejected`, observed);
    actor.unsure.delete(name);
    if (!actor.may("subscribe", ledger)) {
      law(code === "forbidden", "HDL-SUB-2", `${shown} rejected, as ${actor.role}`, observed);
      return "rejected";
    }
    if (code === "broker_unavailable") return "not now";
    law(had, "HDL-SUB-1", `a subscription to ${shown}`, observed);
    const told = positionsOf(answer).get(name);
    law(told !== undefined, "HDL-SUB-14", `a position of ${shown}`, observed);
    const follow = actor.follows.get(name);
    if (follow !== undefined) {
      follow.told(told);
      return `again, ${showPlace(told)}`;
    }
    const { recovered } = answer;
    const whole = isRecord(recovered) ? recovered[name] : undefined;
    actor.join(
      name,
      new Follow(ledger, actor.id, judgeStart(ledger, { ...asked, mark }, told, whole)),
    );
    beginPresence(actor, ledger);
    return `from ${showPlace(told)}${whole === undefined ? "" : `, recovered ${whole}`}`;
  });
}

/** Asks to be subscribed no more. */
export function unsubscribe(actor: Actor, ledger: Ledger): void {
  const { name, shown } = ledger;
  const line = actor.stage.log.add(`${actor.name} unsubscribes from ${shown}`);
  actor.depart("at once", actor.follows.has(name) || actor.unsure.has(name) ? [name] : []);
  actor.unsure.add(name);
  actor.request({ type: "unsubscribe", channels: [name] }, line, (answer) => {
    if (actor.isTransient(answer)) return "not now";
    const had = answer.type === "unsubscribed" && includes(answer, "channels", name);
    law(had, "HDL-SUB-8", `unsubscribed from ${shown}`, answer);
    actor.unsure.delete(name);
    actor.leave(name);
    return "unsubscribed";
  });
}

/** Publishes events, one after another, without waiting for the answers in between. */
export function publish(
  actor: Actor,
  ledger: Ledger,
  step: Of<"publish">,
  label: () => string,
): void {
  for (let i = 0; i < step.count; i++) publishOne(actor, ledger, step, label());
}

function publishOne(actor: Actor, ledger: Ledger, { echo, id }: Of<"publish">, label: string) {
  const { name, shown, offer } = ledger;
  const key = id === null ? null : `${actor.user ?? actor.id} ${id}`;
  const excludes = (echo ?? offer.echo ?? true) ? null : actor.id;
  const taken = key === null ? [] : ledger.ofKey(key).filter(({ fate }) => fate === "taken");
  const { epoch, head } = ledger.mark();
  const publication = ledger.ask(label, excludes, key);
  const words = [echo === null ? "" : `, echo ${echo}`, id === null ? "" : `, with the id ${id}`];
  const line = actor.stage.log.add(
    `${actor.name} publishes ${quoted(label)} to ${shown}${words.join("")}`,
  );
  const message = {
    type: "publish",
    channel: name,
    event_type: "kit",
    data: label,
    ...(echo === null ? {} : { echo }),
    ...(id === null ? {} : { id }),
  };
  const judge = (answer: ServerMessage) => {
    const observed = showMessage(answer);
    if (answer.type === "error") {
      const arrived = publication.place === null;
      publication.fate = "none";
      law(arrived, "HDL-PUB-1", `no error, ${quoted(label)} having come`, observed);
      if (actor.isTransient(answer)) return "not now";
      const isRight = !actor.may("broadcast", ledger) && answer["code"] === "forbidden";
      law(isRight, "HDL-PUB-2", `published, as ${actor.role}`, observed);
      return "forbidden";
    }
    law(answer.type === "published", "HDL-PUB-1", "published", observed);
    law(actor.may("broadcast", ledger), "HDL-PUB-2", `forbidden, as ${actor.role}`, observed);
    const place = { epoch: String(answer["epoch"]), offset: Number(answer["offset"]) };
    if (answer["duplicate"] === true) {
      const arrived = publication.place === null;
      publication.fate = "none";
      law(arrived, "HDL-PUB-7", `nothing of ${quoted(label)}`, `it came, and ${observed}`);
      judgeDuplicate(ledger, key, label, place, observed);
      return `a duplicate of ${showPlace(place)}`;
    }
    const known = taken.map((one) => quoted(one.label)).join(", ");
    law(taken.length === 0, "HDL-PUB-7", `a duplicate of ${known}`, observed);
    const isNew = place.epoch !== epoch || place.offset > head;
    law(isNew, "HDL-PUB-1", `a place after offset ${head}`, observed);
    ledger.learn(publication, place);
    return `published, ${showPlace(place)}`;
  };
  actor.request(message, line, judge, () => {
    if (publication.fate === "asked") publication.fate = "perhaps";
  });
}

/** The place is that of an event with the same id. */
function judgeDuplicate(
  ledger: Ledger,
  key: string | null,
  label: string,
  place: Position,
  observed: string,
): void {
  const others = key === null ? [] : ledger.ofKey(key).filter((one) => one.label !== label);
  const known = others.find((one) => one.place !== null);
  const open = others.filter(({ fate }) => fate === "asked" || fate === "perhaps");
  law(known !== undefined || open.length > 0, "HDL-PUB-7", "no duplicate", observed);
  if (known?.place !== undefined && known.place !== null && open.length === 0) {
    const same = known.place.epoch === place.epoch && known.place.offset === place.offset;
    law(same, "HDL-PUB-7", `the place of ${quoted(known.label)}`, observed);
  }
}

/** Asks for the past. */
export function history(actor: Actor, ledger: Ledger, step: Of<"history">): void {
  const { name, shown } = ledger;
  const { limit } = step;
  const head = ledger.mark().head;
  const since = step.since === "start"
    ? null
    : step.since === "own"
    ? actor.follows.get(name)?.position ?? actor.past.get(name) ?? null
    : { epoch: ledger.mark().epoch ?? OTHER_EPOCH, offset: head + FUTURE };
  const words = [
    since === null ? "" : ` since ${showPlace(since)}`,
    limit === null ? "" : `, ${limit} at most`,
  ];
  const line = actor.stage.log.add(
    `${actor.name} asks for the history of ${shown}${words.join("")}`,
  );
  const fields = { ...(since === null ? {} : { since }), ...(limit === null ? {} : { limit }) };
  actor.request({ type: "history", channel: name, ...fields }, line, (answer) => {
    if (actor.isTransient(answer)) return "not now";
    if (!actor.may("subscribe", ledger)) {
      law(answer["code"] === "forbidden", "HDL-HIS-2", `forbidden, as ${actor.role}`, answer);
      return "forbidden";
    }
    law(answer.type === "history", "HDL-HIS-1", "history", answer);
    judgePast(ledger, actor.id, { since, limit, head }, answer);
    return `${showLabels(answer)}${answer["more"] === true ? " and more" : ""}`;
  });
}

/** Asks what it is subscribed to. */
export function list(actor: Actor): void {
  const line = actor.stage.log.add(`${actor.name} asks for its subscriptions`);
  actor.request({ type: "get_subscriptions" }, line, (answer) => {
    if (actor.isTransient(answer)) return "not now";
    const channels = Array.isArray(answer["channels"]) ? answer["channels"].map(String) : [];
    const observed = showMessage(answer);
    const followed = [...actor.follows.keys()].filter((name) => !isOwn(name));
    for (const name of [...followed, ...channels]) {
      const right = actor.follows.has(name) === channels.includes(name);
      const shown = actor.stage.ledgers.get(name)?.shown ?? name;
      const expected = `${shown} where it is subscribed, else not`;
      law(right || actor.unsure.has(name), "HDL-SUB-10", expected, observed);
    }
    const positions = positionsOf(answer);
    for (const [name, follow] of actor.follows) {
      const told = positions.get(name);
      if (told !== undefined && follow.position !== null) follow.told(told);
    }
    return `${channels.length} channels`;
  });
}

/** Acknowledges all that is to be acknowledged; once a later ping is answered, it has been read. */
export function acknowledge(actor: Actor, ledger: Ledger): void {
  const follow = actor.follows.get(ledger.name);
  const ids = follow?.acknowledge() ?? [];
  if (follow === undefined || ids.length === 0) return;
  const line = actor.stage.log.add(`${actor.name} acknowledges what came of ${ledger.shown}`);
  actor.client?.send({ type: "ack", ack_ids: ids });
  actor.request({ type: "ping" }, line, (answer) => {
    law(answer.type === "pong" || actor.isTransient(answer), "HDL-MSG-19", "pong", answer);
    follow.acknowledged(ids);
    return `${ids.length} of them`;
  });
}

function askedBy(actor: Actor, ledger: Ledger, from: Of<"subscribe">["from"]): Asked {
  const mark = ledger.mark();
  const epoch = mark.epoch ?? OTHER_EPOCH;
  switch (from) {
    case "now":
      return { from, mark };
    case "last":
      return { from, count: NEWEST, mark };
    case "own": {
      const own = actor.past.get(ledger.name);
      return own === undefined ? { from: "now", mark } : { from: "position", position: own, mark };
    }
    case "future":
      return { from: "position", position: { epoch, offset: mark.head + FUTURE }, mark };
    case "foreign":
      return { from: "position", position: { epoch: OTHER_EPOCH, offset: 1 }, mark };
  }
}

function showAsked(asked: Asked): string {
  if (asked.from === "last") return ` with the last ${asked.count}`;
  if (asked.from !== "position") return "";
  const foreign = asked.position.epoch === OTHER_EPOCH ? " of another epoch" : "";
  return ` after ${showPlace(asked.position)}${foreign}`;
}

function showLabels(answer: ServerMessage): string {
  const events = Array.isArray(answer["events"]) ? answer["events"].filter(isRecord) : [];
  return events.map(({ data }) => quoted(String(data))).join(", ") || "no events";
}

/** Whether a list of a message has a name. */
export function includes(message: ServerMessage, field: string, name: string): boolean {
  const list = message[field];
  return Array.isArray(list) && list.includes(name);
}
