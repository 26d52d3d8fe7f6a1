/**
 * How a client comes, goes and comes back, and what the model lets the server answer.
 *
 * @module
 */
import type { Position } from "../channels/client.ts";
import { rejection } from "../channels/places.ts";
import { isRecord, type ServerMessage, showMessage } from "../channels/shape.ts";
import { type Actor, positionsOf, type Session } from "./actor.ts";
import { includes } from "./deeds.ts";
import { Follow } from "./follow.ts";
import { law } from "./law.ts";
import type { Ledger } from "./ledger.ts";
import { isOwn } from "./own.ts";
import { beginPresence } from "./presence.ts";
import { judgeStart } from "./starting.ts";

/** Connects as somebody new. */
export async function connect(actor: Actor): Promise<void> {
  const line = actor.stage.log.add(`${actor.name} connects`);
  const greeting = await actor.connect();
  if (greeting === null) {
    line.outcome = "the connection broke";
    return;
  }
  actor.begin(greeting);
}

/** How a client comes back. */
export interface Return {
  readonly by: "message" | "query";
  /** Whether it tells its own positions, which only the message can. */
  readonly positions: boolean;
  /** By a token that was consumed, so that it must not come back. */
  readonly spent: boolean;
  /** What happens when it has connected and is not resumed yet. @default nothing */
  readonly meanwhile?: () => Promise<void>;
}

/** Connects and takes its session up again. */
export async function resume(actor: Actor, how: Return): Promise<void> {
  const former = actor.session;
  const token = how.spent ? actor.spent : former?.token ?? null;
  if (former === null || token === null) return;
  // The former connection need not have ended: the new one takes its place.
  const replaced = actor.client;
  if (replaced !== null) actor.depart("unless back");
  actor.drop();
  const words = [
    how.by === "query" ? " by the request" : how.positions ? " with its positions" : "",
    how.spent ? ", by a token that is consumed" : "",
  ];
  const line = actor.stage.log.add(`${actor.name} resumes${words.join("")}`);
  actor.isResuming = true;
  const greeting = await actor.connect(how.by === "query" ? { reconnection_token: token } : {});
  if (greeting === null) {
    actor.isResuming = false;
    line.outcome = "the connection broke";
    return;
  }
  if (how.by === "query") {
    return await byRequest(actor, former, how, greeting, (outcome) => {
      line.outcome = outcome;
    });
  }
  await how.meanwhile?.();
  const sent = how.positions ? known(former) : new Map<string, Position>();
  const { client } = actor;
  const positions = how.positions ? { positions: Object.fromEntries(sent) } : {};
  actor.request(
    { type: "resume", reconnection_token: token, ...positions },
    line,
    (answer) => {
      actor.isResuming = false;
      if (answer["code"] === "session_expired") return lost(actor, former, how, greeting, answer);
      law(answer.type === "resumed", "HDL-RES-2", "resumed", answer);
      return taken(actor, former, how, answer, sent);
    },
    // A Pong that went out meanwhile may have consumed the token.
    () => former.mayBeGone ||= (client?.connection.framesSent ?? 0) > 1,
  );
  await actor.answered();
  // Nothing else ends what is not resumed, and a user may have only so many connections.
  if (actor.session?.id !== former.id) replaced?.cut();
}

async function byRequest(
  actor: Actor,
  former: Session,
  how: Return,
  greeting: ServerMessage,
  tell: (outcome: string) => void,
): Promise<void> {
  actor.isResuming = false;
  try {
    if (greeting["reconnected"] === true) {
      return tell(taken(actor, former, how, greeting, new Map()));
    }
    tell(lost(actor, former, how, greeting, greeting));
  } catch (error) {
    tell(showMessage(greeting));
    throw error;
  }
  const isError = ({ type, correlation_id }: ServerMessage) =>
    type === "error" && correlation_id === undefined;
  await actor.until(isError, "the error session_expired after connected (HDL-RES-16)");
}

/** The server says that there is no such session: that is right only where there need not be one. */
function lost(
  actor: Actor,
  former: Session,
  { spent }: Return,
  greeting: ServerMessage,
  answer: ServerMessage,
): string {
  const isOver = former.left !== null && performance.now() - former.left >= former.life * 1000;
  law(spent || former.mayBeGone || isOver, "HDL-RES-2", "the session resumed", answer);
  // A token that is consumed says nothing of the session, which is given up.
  actor.begin(greeting);
  actor.spent = null;
  return "session expired";
}

/** The session goes on: each of its channels, where it may. */
function taken(
  actor: Actor,
  former: Session,
  how: Return,
  answer: ServerMessage,
  sent: ReadonlyMap<string, Position>,
): string {
  const observed = showMessage(answer, 600);
  law(!how.spent, "HDL-RES-6", "session_expired", observed);
  law(answer["client_id"] === former.id, "HDL-RES-9", `the client id ${former.id}`, observed);
  actor.id = former.id;
  actor.departures.isBack(former.id);
  const { recovered } = answer;
  const told = positionsOf(answer);
  const outcomes: string[] = [];
  const begin = (ledger: Ledger, place: Position): Follow => {
    const { name } = ledger;
    const position = sent.get(name);
    const mark = ledger.mark();
    const own = former.unsure.has(name) ? null : former.channels.get(name) ?? null;
    const asked = position === undefined
      ? { from: "written", position: own, mark } as const
      : { from: "position", position, mark } as const;
    const whole = isRecord(recovered) ? recovered[name] : undefined;
    const standing = judgeStart(ledger, asked, place, whole);
    // Only of its own channels anything came between connected and resumed.
    return new Follow(ledger, actor.id, standing, actor.follows.get(name));
  };
  for (const ledger of actor.stage.ledgers.values()) {
    const { name, shown } = ledger;
    const had = includes(answer, "channels", name);
    const isSure = former.channels.has(name) && !former.unsure.has(name);
    if (!had) {
      const code = rejection(answer, name);
      if (!actor.may("subscribe", ledger) && isSure) {
        law(code === "forbidden", "HDL-RES-10", `${shown} rejected, as ${actor.role}`, observed);
        actor.depart("at once", [name]);
      } else law(!isSure || code === "broker_unavailable", "HDL-RES-9", `${shown} again`, observed);
      continue;
    }
    law(former.channels.has(name) || former.unsure.has(name), "HDL-RES-9", `no ${shown}`, observed);
    law(actor.may("subscribe", ledger), "HDL-RES-10", `${shown} rejected`, observed);
    const place = told.get(name);
    law(place !== undefined, "HDL-SUB-14", `a position of ${shown}`, observed);
    actor.join(name, begin(ledger, place));
    beginPresence(actor, ledger);
    outcomes.push(`${shown} from offset ${place.offset}`);
  }
  const owned = actor.stage.own?.of(actor) ?? [];
  for (const ledger of owned) {
    const place = told.get(ledger.name);
    law(place !== undefined, "HDL-RES-9", `a position of ${ledger.shown}`, observed);
    actor.join(ledger.name, begin(ledger, place));
  }
  for (const name of actor.follows.keys()) {
    // Those of the connection's former id are over.
    if (isOwn(name) && !owned.some((one) => one.name === name)) actor.follows.delete(name);
  }
  actor.used = former.token;
  actor.session = {
    id: former.id,
    token: String(answer["reconnection_token"]),
    channels: new Map(),
    unsure: new Set(),
    life: former.life,
    left: null,
    mayBeGone: false,
  };
  return `resumed, ${outcomes.join(", ") || "without channels"}`;
}

function known({ channels }: Session): Map<string, Position> {
  return new Map(
    [...channels].flatMap(([name, position]) => position === null ? [] : [[name, position]]),
  );
}

/** Cuts the connection, as a network does. */
export function cut(actor: Actor): void {
  actor.stage.log.add(`${actor.name} is cut off`);
  const { client } = actor;
  actor.depart("unless back");
  actor.drop();
  client?.cut();
}

/** Closes the connection: for good by 1000, to come back by 1001. */
export async function close(actor: Actor, code: 1000 | 1001): Promise<void> {
  const { client } = actor;
  if (client === null || !await actor.answered()) return;
  actor.stage.log.add(`${actor.name} closes by ${code}${code === 1000 ? ", for good" : ""}`);
  actor.depart(code === 1000 ? "at once" : "unless back");
  await client.close(code);
  actor.drop();
  if (code === 1000) actor.session = null;
}

/** Takes the other role, as the same user. */
export async function promote(actor: Actor, role: string): Promise<void> {
  const { server, log, ledgers } = actor.stage;
  if (actor.client === null || actor.user === null) return;
  const token = await server.token({ sub: actor.user, role });
  const line = log.add(`${actor.name} authenticates as ${role}`);
  actor.roleAsked = role;
  const lost = [...ledgers.values()].filter((one) => !actor.may("subscribe", one, role));
  actor.depart("at once", lost.map(({ name }) => name));
  actor.request({ type: "authenticate", token }, line, (answer) => {
    if (actor.isTransient(answer)) {
      actor.roleAsked = null;
      return "not now";
    }
    const { type } = answer;
    law(
      type === "authenticated" && answer["role"] === role,
      "HDL-TOK-5",
      `the role ${role}`,
      answer,
    );
    actor.role = role;
    return "authenticated";
  });
  if (!await actor.answered()) return;
  const fence = log.add(`${actor.name} pings`);
  actor.request({ type: "ping" }, fence, () => "pong");
  if (!await actor.answered()) return;
  actor.roleAsked = null;
  for (const [name] of actor.follows) {
    const ledger = ledgers.get(name);
    if (ledger === undefined || actor.may("subscribe", ledger)) continue;
    law(false, "HDL-TOK-6", `no subscription to ${ledger.shown}, as ${role}`, "it was not ended");
  }
}
