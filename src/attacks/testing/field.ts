import { assert } from "@std/assert";
import { setTimeout as sleep } from "node:timers/promises";
import { goodHandshake, type HttpAnswer, TcpClient } from "../../adapter/testing/tcp.ts";
import type { HubStats } from "../../hub/info.ts";
import { Child } from "../../testing/child.ts";
import { connectRaw, type RawClient } from "../../testing/raw_client.ts";
import { runtime } from "../../testing/serve.ts";

/** After what silence a connection is given up, in milliseconds. */
export const SILENCE = 4_000;

/** An attack: what it is, and what it does. */
export interface Attack {
  readonly name: string;
  /** Once, where rounds of it would only take time. */
  readonly once?: boolean;
  /**
   * Attacks.
   *
   * @returns In words, how it was refused.
   * @throws where it was not refused as is documented.
   */
  run(field: Field): Promise<string>;
}

/** Bytes of the hub's heap, and of its process. */
interface Memory {
  readonly heap: number;
  readonly rss: number;
}

/** How an attack went. */
export interface Outcome {
  /** In words, how it was refused. */
  readonly refused: string;
  /** The longest time another client waited for an answer, in milliseconds. */
  readonly longest: number;
  /** The bytes of the hub's heap after each round. */
  readonly heaps: readonly number[];
  /** The bytes of its process before and after. */
  readonly rss: readonly [before: number, after: number];
  /** Whether its heap was, after one of the rounds, what it had been after the round before. */
  readonly cameBack: boolean;
}

/**
 * How long memory may take to come back, in milliseconds: Deno.serve frees what belonged to a connection
 * that was cut when its own timer for it runs out, which is the hub's time-out for silent connections.
 */
const PATIENCE = runtime === "deno" ? SILENCE + 1_000 : 0;

/** How often an attack is tried until memory has come back. */
const ROUNDS = 5;

/** A hub, and another client of it, that attacks are tried on. */
export class Field {
  /** Where its WebSocket endpoint is. */
  readonly url: string;
  /** Where its HTTP routes are. */
  readonly http: string;
  readonly port: number;
  readonly #hub: Child;
  readonly #bystander: Child;
  readonly #isFull: boolean;
  readonly #clients: RawClient[] = [];
  readonly #tcpClients: TcpClient[] = [];
  #address = 0;
  /** Its memory after the attack before. */
  #calm: Memory | undefined;

  private constructor(hub: Child, http: string, bystander: Child, isFull: boolean) {
    this.#hub = hub;
    this.http = http;
    this.url = `${http.replace(/^http/, "ws")}/ws`;
    this.port = Number(new URL(http).port);
    this.#bystander = bystander;
    this.#isFull = isFull;
  }

  /** @param isFull Whether attacks come with all their force, or with so much that a test stays quick. */
  static async open(isFull: boolean): Promise<Field> {
    const hub = new Child(new URL("./server.ts", import.meta.url));
    const http = await hub.line();
    const url = `${http.replace(/^http/, "ws")}/ws`;
    const bystander = new Child(new URL("./bystander.ts", import.meta.url), [url]);
    await bystander.line();
    return new Field(hub, http, bystander, isFull);
  }

  /** One of two numbers, by the force that attacks come with. */
  count(full: number, quick: number): number {
    return this.#isFull ? full : quick;
  }

  /** What makes a request come from an address that no other comes from. */
  nextAddress(): Readonly<Record<string, string>> {
    const n = ++this.#address;
    return { "X-Forwarded-For": `10.${n >> 16 & 255}.${n >> 8 & 255}.${n & 255}` };
  }

  /** Opens a connection and takes the greeting. */
  async connect(query = "", headers = this.nextAddress()): Promise<RawClient> {
    const client = await connectRaw(`${this.url}${query}`, { headers });
    this.#clients.push(client);
    await client.nextOf("connected");
    return client;
  }

  /** Opens one at the level of bytes, and takes the greeting. */
  async tcp(target = "/ws", headers = this.nextAddress()): Promise<TcpClient> {
    const { client, answer: { status, body } } = await this.request(target, headers);
    if (status !== 101) throw new Error(`the handshake was answered ${status} ${body}`);
    await client.json();
    return client;
  }

  /** Asks for a connection. */
  async request(
    target = "/ws",
    headers: Readonly<Record<string, string>> = this.nextAddress(),
  ): Promise<{ readonly client: TcpClient; readonly answer: HttpAnswer }> {
    const client = this.bare();
    return { client, answer: await client.request(target, { ...goodHandshake, ...headers }) };
  }

  /** Opens a TCP connection and says nothing. */
  bare(): TcpClient {
    const client = new TcpClient(this.port);
    this.#tcpClients.push(client);
    return client;
  }

  async stats(): Promise<HubStats> {
    return JSON.parse(await this.#hub.ask("stats"));
  }

  /** Has the application publish so many events, of so many bytes each, in the channel `open`. */
  async publish(events: number, bytes: number): Promise<void> {
    await this.#hub.ask(`publish ${events} ${bytes}`);
  }

  /** Waits until the hub's figures are so. */
  async until(condition: (stats: HubStats) => boolean): Promise<void> {
    while (!condition(await this.stats())) await sleep(10);
  }

  async memory(): Promise<Memory> {
    return JSON.parse(await this.#hub.ask("memory"));
  }

  /** Tries an attack until memory has come back, while the other client is answered. */
  async endure(attack: Attack): Promise<Outcome> {
    const before = this.#calm ?? await this.#settled();
    const heaps: number[] = [];
    let [refused, longest, rss, cameBack] = ["", 0, before.rss, false];
    await this.#bystander.ask("");
    for (let round = 0; round < ROUNDS && !cameBack; round++) {
      refused = await attack.run(this);
      longest = Math.max(longest, Number(await this.#bystander.ask("")));
      // What a round leaves behind once is caches and compiled code; a leak comes again with each.
      const most = (heaps.at(-1) ?? before.heap) * 1.05;
      const after = await this.#settled(most);
      await this.#bystander.ask(""); // while memory is looked at nobody is answered
      heaps.push(after.heap);
      rss = after.rss;
      this.#calm = after;
      cameBack = after.heap <= most;
      if (attack.once) break;
    }
    return { refused, longest, heaps: [before.heap, ...heaps], rss: [before.rss, rss], cameBack };
  }

  close(): void {
    for (const client of this.#clients) client.terminate();
    for (const client of this.#tcpClients) client.socket.destroy();
    this.#bystander.kill();
    this.#hub.kill();
  }

  /** The memory when the attackers have gone, and what was kept for them; more than `most` only in the end. */
  async #settled(most = Infinity): Promise<Memory> {
    for (const client of this.#clients.splice(0)) client.terminate();
    for (const client of this.#tcpClients.splice(0)) client.reset();
    await this.until(({ connections, sessionsKept }) => connections === 1 && sessionsKept === 0);
    const patient = performance.now() + PATIENCE;
    for (;;) {
      const memory = await this.memory();
      if (memory.heap <= most || performance.now() >= patient) return memory;
      await sleep(200);
    }
  }
}

/** Fails unless memory came back. */
export function assertCameBack({ cameBack, heaps }: Outcome): void {
  assert(cameBack, `the heap grew with each round: ${heaps.join(", ")} bytes`);
}
