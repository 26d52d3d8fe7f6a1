/**
 * What a measure has to work with: ways to the target and to bare sockets, and how much time.
 *
 * @module
 */
import type { Server } from "../channels/server.ts";
import type { ServerMessage } from "../channels/shape.ts";
import type { Facts, Peer } from "../peer/peer.ts";
import { readAnswer } from "../peer/handshake.ts";
import { Refused } from "../peer/finding.ts";
import { awakeNow } from "../wire/clock.ts";
import { headerValues, type RequestSpec } from "../wire/handshake.ts";
import type { Wire } from "../wire/socket.ts";
import type { Bare, Manner } from "./bare.ts";
import { Line } from "./line.ts";
import { Marks } from "./marks.ts";
import { bide, Trouble } from "./trouble.ts";

/** Milliseconds that a measure may take: to get ready, with room for many, to measure, to be late. */
const LIMITS = { ready: 5_000, room: 1_000, measure: 3_000, late: 3_000 } as const;

/** How many connections are opened at a time. */
const AT_A_TIME = 10;

/** A connection of Protocol 1 that is greeted. */
export interface Greeted {
  readonly line: Line;
  readonly greeting: ServerMessage;
}

/** One measure's hold on both sides. */
export class Bench {
  readonly peer: Peer;
  /** The target as a server of Protocol 1; null where it is not measured as one. */
  readonly server: Server | null;
  /** Null where it could not be started. */
  readonly bare: Bare | null;
  readonly marks = new Marks();
  /** How long anything may take that must come, in milliseconds. */
  readonly patience: number;
  readonly #lines: Line[] = [];

  constructor(peer: Peer, server: Server | null, bare: Bare | null, timeout: number) {
    this.peer = peer;
    this.server = server;
    this.bare = bare;
    this.patience = Math.min(timeout, LIMITS.late);
    peer.patience = { ...peer.patience, timeout: this.patience };
  }

  get facts(): Facts {
    return this.peer.facts;
  }

  /** Until when getting ready may take, from now. */
  ready(): number {
    return awakeNow() + LIMITS.ready;
  }

  /** The time that measuring may take, from now, and how long what is missing then may still take. */
  limits(): { readonly deadline: number; readonly grace: number } {
    return { deadline: awakeNow() + LIMITS.measure, grace: this.patience };
  }

  /**
   * TCP and the opening handshake, and how many milliseconds they took. What the target refuses for
   * now is asked for again when its `Retry-After` has passed.
   *
   * @throws Trouble
   */
  async connect(
    spec: RequestSpec,
    deadline: number,
  ): Promise<{ readonly wire: Wire; readonly took: number }> {
    for (;;) {
      const key = this.peer.key();
      const bytes = this.peer.request(key, spec);
      const began = performance.now();
      const wire = await this.#open();
      wire.write(bytes);
      const { response, instead } = await readAnswer(wire);
      const took = performance.now() - began;
      if (response?.status === 101) return { wire, took };
      const got = response === null ? instead : `${response.status} ${response.reason}`.trim();
      const after = response === null ? NaN : Number(headerValues(response, "Retry-After")[0]);
      const body = wire.peek();
      wire.abandon();
      if (await bide(after, deadline)) continue;
      throw new Trouble(`a request for a connection got: ${got}${nameIn(body)}`);
    }
  }

  /** A line to the target. @throws Trouble */
  async line(spec: RequestSpec, deadline: number): Promise<Line> {
    const { wire } = await this.connect(spec, deadline);
    const line = new Line(wire, this.marks, this.peer.random, this.patience);
    this.#lines.push(line);
    return line;
  }

  /** A line to bare sockets; null where there are none. */
  async beside(manner: Manner): Promise<Line | null> {
    if (this.bare === null) return null;
    const line = new Line(await this.bare.connect(manner), this.marks);
    this.#lines.push(line);
    return line;
  }

  /** So many of them. */
  async besides(count: number, manner: Manner): Promise<Line[]> {
    const lines = await Promise.all(Array.from({ length: count }, () => this.beside(manner)));
    return lines.filter((line) => line !== null);
  }

  /**
   * A line to the target as a server of Protocol 1.
   *
   * @param until how long to wait for room where there is none
   * @throws Trouble
   */
  async greeted(role: string | undefined, deadline: number, until = deadline): Promise<Greeted> {
    const { server } = this;
    if (server === null) throw new TypeError("the target is not measured as one of Protocol 1");
    const spec = await server.requestOf(role === undefined ? {} : { role });
    const line = await this.line(spec, until);
    const limit = Math.min(deadline, awakeNow() + this.patience);
    return {
      line,
      greeting: await line.next(({ type }) => type === "connected", "connected", limit),
    };
  }

  /**
   * So many of something, or as many as can be had, and why there are not more. Room that the others
   * take may not come about by waiting.
   */
  async several<T>(
    count: number,
    open: (until: number) => Promise<T>,
  ): Promise<{ readonly had: readonly T[]; readonly why: string | null }> {
    const had: T[] = [];
    const until = awakeNow() + LIMITS.room;
    let why: string | null = null;
    while (had.length < count && why === null) {
      const some = Array.from({ length: Math.min(AT_A_TIME, count - had.length) }, async () => {
        try {
          had.push(await open(until));
        } catch (error) {
          if (!(error instanceof Trouble)) throw error;
          why ??= error.message;
        }
      });
      await Promise.all(some);
    }
    return { had, why };
  }

  /** Closes all that was opened. */
  async close(): Promise<void> {
    await Promise.all(this.#lines.map((line) => line.close()));
    this.peer.abandon();
  }

  async #open(): Promise<Wire> {
    try {
      return await this.peer.open();
    } catch (error) {
      throw error instanceof Refused ? new Trouble(error.message) : error;
    }
  }
}

/** The name that the body of a refusal gives, as HDL-CON-7 has it. */
function nameIn(body: Uint8Array): string {
  const name = /"error"\s*:\s*"([^"]{1,60})"/.exec(new TextDecoder().decode(body))?.[1];
  return name === undefined ? "" : ` ${name}`;
}
