/**
 * A server of Protocol 1, as a case sees it: clients, channels, credentials and HTTP.
 *
 * @module
 */
import { Broken, Refused, Skipped } from "../peer/finding.ts";
import type { Handshake } from "../peer/handshake.ts";
import type { Peer } from "../peer/peer.ts";
import type { ApplicationMessage, ChannelOffer, Offer } from "../target/offer.ts";
import { type Claims, type TokenSource, tokenSource } from "../target/tokens.ts";
import { setAlarm } from "../wire/clock.ts";
import { exchange, type HttpAnswer, type HttpRequest } from "../wire/http.ts";
import type { RequestSpec } from "../wire/handshake.ts";
import { type Target, targetOf, Wire } from "../wire/socket.ts";
import { Client, type ClientMessage } from "./client.ts";
import type { ServerMessage } from "./shape.ts";
import { type ChannelWant, fits, isPattern, oddity, showWant } from "./want.ts";

/** Who connects, and how. What is left out is as the kit's usual client has it. */
export interface ConnectSpec {
  /** A user id; null for a request without a credential. @default a user of its own */
  readonly user?: string | null;
  /** @default the role that the profile names */
  readonly role?: string;
  /** Further claims of the token. */
  readonly claims?: Claims;
  /** Another token than these would make, as it stands. */
  readonly token?: string;
  /** Query parameters. */
  readonly query?: Readonly<Record<string, string>>;
  /** A segment more of the path: a room. */
  readonly room?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Subprotocols to offer. @default `heddle.v1` */
  readonly subprotocols?: readonly string[];
  /** Another way to the server: a proxy. @default the target's own */
  readonly target?: Target;
}

/** A channel that fits a {@link ChannelWant}, in nobody else's use where the profile has a pattern. */
export interface Channel {
  readonly name: string;
  readonly offer: ChannelOffer;
}

/** One case's hold on the server. */
export class Server {
  readonly peer: Peer;
  readonly offer: Offer;
  /** The role of its usual client. */
  readonly role: string;
  /** Every client there was. */
  readonly clients: Client[] = [];
  readonly #tokens: TokenSource;
  readonly #taken = new Set<string>();

  constructor(peer: Peer, offer: Offer) {
    this.peer = peer;
    this.offer = offer;
    this.role = roleOf(offer);
    this.#tokens = tokenSource(offer.tokens);
  }

  /** Milliseconds to wait for anything that must come. */
  get timeout(): number {
    return this.peer.patience.timeout;
  }

  /** A client that is greeted. */
  async connect(spec: ConnectSpec = {}): Promise<Client> {
    const client = await this.open(spec);
    await client.greet();
    return client;
  }

  /** A client that has not taken its greeting yet. */
  async open(spec: ConnectSpec = {}): Promise<Client> {
    const handshake = await this.handshake(spec);
    const status = handshake.response?.status;
    if (status === undefined || status === 429 || status === 503) {
      throw new Refused(`an honest handshake got: ${handshake.observed}`);
    }
    return this.client(handshake);
  }

  /** The client of a handshake that must have been accepted. */
  client(handshake: Handshake): Client {
    const client = new Client(handshake.expectAccepted(), {
      name: `#${this.clients.length + 1}`,
      timeout: this.timeout,
      note: (line) => this.peer.note(line),
      onViolation: (violation) => this.peer.violations.push(violation),
    });
    this.clients.push(client);
    return client;
  }

  /** The answer to a request for a connection, whatever it is. */
  async handshake(spec: ConnectSpec = {}): Promise<Handshake> {
    const request = await this.requestOf(spec);
    this.peer.note(`#${this.clients.length + 1} > GET ${this.#shown(spec)}`);
    const way = spec.target === undefined ? {} : { target: spec.target };
    return await this.peer.handshake(request, way);
  }

  /** What such a request is like. @throws Skipped where there is no such credential to be had */
  async requestOf(spec: ConnectSpec = {}): Promise<RequestSpec> {
    const { subprotocols = ["heddle.v1"] } = spec;
    return {
      path: this.path(spec),
      headers: {
        Authorization: await this.#authorization(spec),
        "Sec-WebSocket-Protocol": subprotocols.length === 0 ? null : subprotocols.join(", "),
        ...spec.headers,
      },
    };
  }

  /** Path and query of a request for a connection. */
  path({ query = {}, room }: ConnectSpec = {}): string {
    const url = new URL(this.peer.target.url);
    for (const [name, value] of Object.entries(query)) url.searchParams.append(name, value);
    const path = room === undefined ? url.pathname : `${url.pathname.replace(/\/$/, "")}/${room}`;
    return path + url.search;
  }

  /** A channel that is like this. @throws Skipped where the target offers none */
  channel(want: ChannelWant = {}): Channel {
    const found = Object.entries(this.offer.channels ?? {})
      .filter(([name, offer]) =>
        fits(offer, want, this.role) &&
        (isPattern(name) || want.unused !== true && !this.#taken.has(name))
      )
      .sort(([a, its], [b, others]) => oddity(a, its) - oddity(b, others))[0];
    if (found === undefined) throw new Skipped(`the target offers no channel ${showWant(want)}`);
    const [declared, offer] = found;
    const name = isPattern(declared) ? `${declared.slice(0, -1)}${fresh()}` : declared;
    this.#taken.add(name);
    return { name, offer };
  }

  /** The names of so many such channels. */
  channels(count: number, want: ChannelWant = {}): string[] {
    return Array.from({ length: count }, () => this.channel(want).name);
  }

  /** What the profile says of the presence of a channel that {@link channel} gave. */
  graceOf(name: string): NonNullable<ChannelOffer["presence"]> {
    const all = Object.entries(this.offer.channels ?? {});
    const [, offer] =
      all.find(([declared]) =>
        isPattern(declared) ? name.startsWith(declared.slice(0, -1)) : name === declared
      ) ?? [];
    return offer?.presence ?? {};
  }

  /** A well-formed name that no declaration covers. */
  unknownChannel(): string {
    return `~nobody.${fresh()}`;
  }

  /** A user id that nobody has. @throws Skipped where users cannot be had at will */
  user(): string {
    if (!this.#tokens.isFree) throw new Skipped("the profile's tokens are not for any user");
    return freshUser();
  }

  /**
   * A connection that has ended is one of which the server has heard: it takes another, and answers
   * it, which it does after.
   */
  async notice(): Promise<void> {
    const client = await this.connect();
    await client.alive();
    await client.alive();
  }

  /** Lets so much time pass at least, where the protocol speaks of time. */
  pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => setAlarm(milliseconds, resolve));
  }

  /** A token that says this. @throws Skipped where there is none such to be had */
  async token(claims: Claims): Promise<string> {
    if (!this.#tokens.isFree) throw new Skipped("the profile's tokens are not for any claims");
    return await this.#tokens.issue(claims) ?? "";
  }

  /** Asks the target, by a message of its application, to do what no client can ask for. */
  async act(
    client: Client,
    type: ApplicationMessage,
    payload: Readonly<Record<string, unknown>> = {},
  ): Promise<ServerMessage> {
    const answer = await client.ask(this.application(type, payload));
    if (answer.type === "kit.done") return answer;
    throw new Broken({
      expected: `kit.done in answer to ${type}`,
      observed: JSON.stringify(answer),
    });
  }

  /** Such a message, to be sent as it is. @throws Skipped where the target does not know it */
  application(
    type: ApplicationMessage,
    payload?: Readonly<Record<string, unknown>>,
  ): ClientMessage {
    if (this.offer.application?.includes(type) !== true) {
      throw new Skipped(`the target's application does not know ${type}`);
    }
    return payload === undefined ? { type } : { type, payload };
  }

  /** What stands before a room's name. @throws Skipped where there are no rooms */
  get rooms(): string {
    if (this.offer.rooms === undefined) throw new Skipped("the target offers no rooms");
    return this.offer.rooms.prefix;
  }

  /** An HTTP request to the server, by default with the usual client's credential. */
  async http(request: HttpRequest, spec: ConnectSpec = {}): Promise<HttpAnswer> {
    const authorization = await this.#authorization(spec);
    const headers = {
      ...(authorization === null ? {} : { Authorization: authorization }),
      ...request.headers,
    };
    const target = this.#restTarget();
    const wire = await Wire.connect(target, { timeout: this.timeout });
    this.peer.adopt(wire);
    this.peer.note(`#http > ${request.method ?? "GET"} ${request.path} ${request.body ?? ""}`);
    const answer = await exchange(wire, target.authority, { ...request, headers });
    this.peer.note(`#http < ${answer.status} ${answer.body.slice(0, 400)}`);
    return answer;
  }

  /** The whole answer to a request for a connection, of which fields may be set otherwise. */
  async request(
    spec: ConnectSpec = {},
    fields: Readonly<Record<string, string | null>> = {},
    method = "GET",
  ): Promise<HttpAnswer> {
    const authorization = await this.#authorization(spec);
    const wire = await this.peer.open();
    this.peer.note(`#http > ${method} ${this.#shown(spec)} ${JSON.stringify(fields)}`);
    const answer = await exchange(wire, this.peer.target.authority, {
      method,
      path: this.path(spec),
      headers: {
        Connection: "Upgrade",
        Upgrade: "websocket",
        "Sec-WebSocket-Key": "aGVkZGxlIGhlZGRsZSBoZQ==",
        "Sec-WebSocket-Version": "13",
        ...(authorization === null ? {} : { Authorization: authorization }),
        ...(spec.subprotocols === undefined
          ? {}
          : { "Sec-WebSocket-Protocol": spec.subprotocols.join(", ") }),
        ...spec.headers,
        ...fields,
      },
    });
    this.peer.note(`#http < ${answer.status} ${answer.body.slice(0, 400)}`);
    return answer;
  }

  async #authorization({ user, role, claims, token }: ConnectSpec): Promise<string | null> {
    if (token !== undefined) return token === "" ? null : `Bearer ${token}`;
    if (user === null) {
      if (this.offer.anonymous === false) throw new Skipped("the target lets in nobody anonymous");
      return null;
    }
    if (this.offer.tokens === undefined) {
      if (user === undefined && role === undefined) return this.peer.header("Authorization");
      throw new Skipped("the profile has no tokens");
    }
    if (!this.#tokens.isFree && (user !== undefined || claims !== undefined)) {
      throw new Skipped("the profile's tokens are not for any user");
    }
    const sub = user ?? freshUser();
    const issued = await this.#tokens.issue({ sub, role: role ?? this.role, ...claims });
    if (issued === null) throw new Skipped(`the profile has no token of the role ${role}`);
    return `Bearer ${issued}`;
  }

  #restTarget(): Target {
    const { target } = this.peer;
    const base = this.offer.rest ?? target.url;
    return targetOf(base.replace(/^http/, "ws"), target);
  }

  #shown(spec: ConnectSpec): string {
    const who = spec.user === null
      ? "nobody"
      : `${spec.user ?? "a user"}, ${spec.role ?? this.role}`;
    return `${this.path({ ...spec, query: {} })} as ${spec.token === undefined ? who : "a token"}`;
  }
}

/** The role of the kit's usual client. */
export function roleOf(offer: Offer): string {
  const fixed = offer.tokens !== undefined && "roles" in offer.tokens ? offer.tokens.roles : {};
  return offer.role ?? Object.keys(fixed)[0] ?? "anonymous";
}

/** Eight characters that nobody else thinks of. They need not come again in the next run. */
export function fresh(): string {
  return crypto.randomUUID().slice(0, 8);
}

function freshUser(): string {
  return `kit-${fresh()}`;
}
