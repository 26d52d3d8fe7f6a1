/**
 * One of the model's clients: its connection, its session, and what it has asked and not been told.
 *
 * @module
 */
import type { Client, ClientMessage, Position } from "../channels/client.ts";
import type { ConnectSpec, Server } from "../channels/server.ts";
import { isRecord, type ServerMessage, showMessage } from "../channels/shape.ts";
import { Broken, Refused } from "../peer/finding.ts";
import type { Action } from "../target/offer.ts";
import { NotHttp } from "../wire/handshake.ts";
import type { Follow } from "./follow.ts";
import { law } from "./law.ts";
import type { Ledger } from "./ledger.ts";
import type { Line, Log } from "./log.ts";
import { followOwn, isOwn, type OwnChannels } from "./own.ts";
import { Departures, isPresence, type Presence } from "./presence.ts";

/** What a client has beyond one connection. */
export interface Session {
  id: string;
  token: string;
  /** Where it stands on each of its channels; null where it does not know. */
  channels: Map<string, Position | null>;
  /** Channels that it asked about and was not answered. */
  unsure: Set<string>;
  /** Seconds for which it is kept without a connection. */
  life: number;
  /** When its connection ended, by `performance.now()`; null while it lasts. */
  left: number | null;
  /** Whether a former resumption was not answered. */
  mayBeGone: boolean;
}

/** A request without an answer. */
interface Pending {
  readonly type: string;
  readonly line: Line;
  /** Holds the answer against the model; gives what came of it in words. */
  readonly judge: (answer: ServerMessage) => string;
  /** The connection broke before it was answered. */
  readonly lost: () => void;
}

/** What all actors share. */
export interface Stage {
  readonly server: Server;
  readonly log: Log;
  readonly ledgers: ReadonlyMap<string, Ledger>;
  /** Their own channels; null where nothing is published there. */
  readonly own: OwnChannels | null;
  /** Whether what is told of presence is judged: where nothing but its clients breaks a connection. */
  readonly tellsPresence: boolean;
  /** Those who act. */
  readonly actors: Actor[];
  /** Whether connections may break by themselves. */
  readonly breaks: boolean;
  /** Every subscription there ever was. */
  readonly follows: Follow[];
  /** Every connection there ever was. */
  readonly clients: Client[];
}

/** Errors by which any request may be refused: then nothing of it has happened. */
const TRANSIENT = new Set(["rate_limited", "broker_unavailable"]);

/** The part of the time for which one is counted in after which to have left is no fault. */
const EARLY = 0.95;

/** Another connection took the place of this one. */
const REPLACED = 4409;

/** A client that believes nothing. */
export class Actor {
  readonly name: string;
  readonly stage: Stage;
  readonly spec: ConnectSpec;
  client: Client | null = null;
  /** Its client id. */
  id = "";
  /** Its user id; null where it has none, or another than its own. */
  user: string | null = null;
  role = "";
  session: Session | null = null;
  /** The token that resumed its session, which its next message consumes. */
  used: string | null = null;
  /** A token that is consumed. */
  spent: string | null = null;
  readonly follows = new Map<string, Follow>();
  readonly unsure = new Set<string>();
  /** Every user id and client id that it had, on connections that did not resume at once. */
  readonly keys = new Set<string>();
  /** Every client id that it had. */
  readonly ids = new Set<string>();
  readonly departures = new Departures();
  /** Where it stood on channels that it has left. */
  readonly past = new Map<string, Position>();
  /** The role that it has asked for. */
  roleAsked: string | null = null;
  /** The connection is not the session's yet. */
  isResuming = false;
  readonly #pending = new Map<string, Pending>();
  #read = 0;

  constructor(name: string, stage: Stage, spec: ConnectSpec) {
    this.name = name;
    this.stage = stage;
    this.spec = spec;
  }

  /** As what member it is counted. */
  get key(): string {
    return this.user ?? this.id;
  }

  /** What it is told of the members of a channel; null where nothing is to be. */
  presenceOf(name: string): Presence | null {
    const { ledgers, tellsPresence } = this.stage;
    const isTold = tellsPresence && ledgers.get(name)?.offer.presence !== undefined;
    return isTold ? this.follows.get(name)?.presence ?? null : null;
  }

  /** It may be said to have left its channels: at once, or where it does not come back in time. */
  depart(how: "at once" | "unless back", names = [...this.follows.keys(), ...this.unsure]): void {
    for (const name of new Set(names)) {
      const { grace_seconds = 10 } = this.stage.ledgers.get(name)?.offer.presence ?? {};
      this.departures.add(name, this, how === "at once" ? 0 : grace_seconds * 1000 * EARLY);
    }
  }

  /** Whether its role, or the one it has asked for, may do this. */
  may(action: Action, { offer }: Ledger, role = this.role): boolean {
    return (offer.permissions[role] ?? offer.permissions["*"] ?? []).includes(action);
  }

  /** Connects; null where the connection broke before it was greeted. */
  async connect(query: Readonly<Record<string, string>> = {}): Promise<ServerMessage | null> {
    const { server, breaks, own } = this.stage;
    const marks = own?.marks() ?? new Map();
    const handshake = await this.#handshake(query);
    const status = handshake?.response?.status;
    if (handshake === null || status === undefined && breaks) return null;
    if (status === undefined || status === 429 || status === 503) {
      throw new Refused(`an honest handshake got: ${handshake.observed}`);
    }
    const client = server.client(handshake);
    this.stage.clients.push(client);
    const greeting = await client.nextOrEnd(() => true, "connected, before all else");
    if (greeting === null && breaks) return null;
    law(greeting?.type === "connected", "HDL-CON-8", "connected, before all else", greeting);
    this.client = client;
    this.#read = client.received.length;
    this.follows.clear();
    this.unsure.clear();
    this.id = String(greeting["client_id"]);
    this.user = typeof greeting["user_id"] === "string" ? greeting["user_id"] : null;
    this.role = String(greeting["role"]);
    this.roleAsked = null;
    this.keys.add(this.key);
    this.ids.add(this.id);
    if (greeting["reconnected"] !== true) followOwn(this, greeting, marks);
    return greeting;
  }

  /** A session of its own begins, as the greeting tells. */
  begin(greeting: ServerMessage): void {
    this.session = {
      id: this.id,
      token: String(greeting["reconnection_token"]),
      channels: new Map(),
      unsure: new Set(),
      life: Number(greeting["expires_in"]),
      left: null,
      mayBeGone: false,
    };
  }

  /** Sends a request. Its answer is judged when it comes; {@link answered} waits for it. */
  request(
    message: ClientMessage,
    line: Line,
    judge: Pending["judge"],
    lost: Pending["lost"] = () => {},
  ): void {
    const { client } = this;
    if (client === null) return lost();
    const correlation_id = client.correlation();
    this.#pending.set(correlation_id, { type: message.type, line, judge, lost });
    client.send({ ...message, correlation_id });
  }

  /** Waits until all that it asked is answered; false where the connection broke instead. */
  async answered(): Promise<boolean> {
    for (;;) {
      const [[correlation, { type }] = ["", { type: "" }]] = this.#pending;
      if (correlation === "") return this.client !== null;
      const isAnswer = (message: ServerMessage) => message["correlation_id"] === correlation;
      if (!await this.until(isAnswer, `an answer to ${type} (HDL-MSG-19)`)) return false;
    }
  }

  /** Reads until something came; false where the connection broke instead. */
  async until(
    fits: (message: ServerMessage) => boolean,
    awaited: string,
    timeout?: number,
  ): Promise<boolean> {
    const { client } = this;
    if (client === null) return false;
    let message: ServerMessage | null;
    try {
      message = await client.nextOrEnd(fits, awaited, timeout);
    } finally {
      // What came before may tell better what went wrong.
      this.read();
    }
    if (message !== null) return true;
    if (!this.stage.breaks) await this.#blameEnd(client);
    this.stage.log.add(`the connection of ${this.name} is broken`);
    this.drop();
    return false;
  }

  /** Judges what has come, in its order. */
  read(): void {
    const { client } = this;
    while (client !== null && this.client === client && this.#read < client.received.length) {
      const message = client.received[this.#read++]?.message;
      if (message !== undefined) this.#take(message);
    }
  }

  /** Its connection is over: what it asked is not answered any more, what it had may be resumed. */
  drop(): void {
    if (this.client === null) return;
    this.read();
    this.client = null;
    for (const { line, lost } of this.#pending.values()) {
      line.outcome ??= "no answer";
      lost();
    }
    this.#pending.clear();
    this.used = null;
    if (!this.isResuming && this.session !== null) {
      this.session.channels = new Map(
        [...this.follows].map(([name, { position }]) => [name, position]),
      );
      this.session.unsure = new Set(this.unsure);
      for (const name of this.follows.keys()) this.leave(name);
    }
    if (this.session !== null) this.session.left ??= performance.now();
    this.isResuming = false;
    this.follows.clear();
    this.unsure.clear();
  }

  /** It is subscribed from here on. */
  join(name: string, follow: Follow): void {
    this.follows.set(name, follow);
    this.stage.follows.push(follow);
  }

  /** It is not subscribed any more, and remembers where it stood. */
  leave(name: string): void {
    const position = this.follows.get(name)?.position ?? null;
    if (position !== null) this.past.set(name, position);
    this.follows.delete(name);
  }

  /** Whether a request was refused for a reason that has nothing to do with it. */
  isTransient(answer: ServerMessage): boolean {
    return answer.type === "error" && TRANSIENT.has(String(answer["code"]));
  }

  async #blameEnd(client: Client): Promise<void> {
    const { code } = await client.ended();
    // Where all come by one credential, others' connections may be too many beside it.
    const isShared = this.spec.user === undefined;
    if (code === REPLACED && isShared) throw new Refused("a connection ended by 4409");
    const observed = `the server ended it, ${code ?? "without a code"}`;
    law(false, "HDL-MSG-17", `the connection of ${this.name} open`, observed);
  }

  async #handshake(query: Readonly<Record<string, string>>) {
    try {
      return await this.stage.server.handshake({ ...this.spec, query });
    } catch (error) {
      const isBroken = error instanceof NotHttp || error instanceof Broken ||
        error instanceof Refused;
      if (this.stage.breaks && isBroken) return null;
      throw error;
    }
  }

  #take(message: ServerMessage): void {
    const correlation = String(message["correlation_id"]);
    const pending = this.#pending.get(correlation);
    if (pending !== undefined) {
      this.#pending.delete(correlation);
      if (this.used !== null) this.spent = this.used;
      this.used = null;
      try {
        pending.line.outcome = pending.judge(message);
      } catch (error) {
        pending.line.outcome = showMessage(message);
        throw error;
      }
      return;
    }
    const { channel } = message;
    const name = String(channel);
    switch (message.type) {
      case "event":
        if (!isPresence(message)) return this.#followOf(name, message)?.event(message);
        if (!this.stage.tellsPresence) return;
        return this.#followOf(name, message)?.takePresence(message, this);
      case "gap":
        return this.#followOf(name, message)?.gap(message);
      case "unsubscribed":
        return this.#takenAway(message);
      case "disconnected":
        return;
    }
  }

  #followOf(name: string, message: ServerMessage): Follow | undefined {
    const { ledgers, own } = this.stage;
    const follow = this.follows.get(name);
    const observed = `${showMessage(message)} to ${this.name}`;
    if (isOwn(name)) {
      law(own === null || follow !== undefined, "HDL-OWN-2", "nothing of others' own", observed);
      return follow;
    }
    if (!ledgers.has(name)) return undefined;
    law(follow !== undefined, "HDL-SUB-9", "nothing without a subscription", observed);
    return follow;
  }

  #takenAway(message: ServerMessage): void {
    const { channels } = message;
    for (const name of Array.isArray(channels) ? channels.map(String) : []) {
      const ledger = this.stage.ledgers.get(name);
      const isDue = ledger !== undefined &&
        !(this.may("subscribe", ledger) &&
          (this.roleAsked === null || this.may("subscribe", ledger, this.roleAsked)));
      law(isDue, "HDL-SUB-15", `the subscription of ${this.name} to last`, message);
      this.leave(name);
    }
  }
}

/** The positions that a message tells, by name. */
export function positionsOf(message: ServerMessage): ReadonlyMap<string, Position> {
  const { positions } = message;
  return new Map(
    Object.entries(isRecord(positions) ? positions : {}).map(([name, position]) => {
      const { epoch, offset } = isRecord(position) ? position : {};
      return [name, { epoch: String(epoch), offset: Number(offset) }];
    }),
  );
}
