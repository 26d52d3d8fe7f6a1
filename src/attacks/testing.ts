/**
 * What the attack tests share: whoever attacks, another client is answered throughout.
 *
 * @module
 */
import { after } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { AnyHub } from "../hub/hub.ts";
import { connectRaw, type RawClient } from "../testing/raw_client.ts";
import { runtime, serveHere } from "../testing/serve.ts";

/** How long the bystander rests between two pings, in milliseconds: as often at first as it may at once. */
const REST = { first: 50, times: 100, then: 500 } as const;

/** A hub to attack. */
export interface Target {
  /** The address of its WebSocket endpoint. */
  readonly url: string;
  /** The address of its HTTP routes. */
  readonly http: string;
  /**
   * Runs an attack while another client pings. Rejects where the attack does, or where the other is not
   * answered.
   */
  during(attack: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

/**
 * Serves a hub on the adapter of this runtime. When the tests of the suite are over, the longest time is
 * printed that the other client had to wait for an answer.
 *
 * @param connect Opens the connection of the other client.
 */
export async function target(
  name: string,
  hub: AnyHub,
  connect: (url: string) => Promise<RawClient> = connectRaw,
): Promise<Target> {
  const server = await serveHere(hub);
  const url = `${server.url.replace(/^http/, "ws")}/ws`;
  let longest = 0;
  return {
    url,
    http: server.url,
    async during(attack) {
      const bystander = new Bystander(await connect(url));
      try {
        await attack();
      } finally {
        longest = Math.max(longest, await bystander.leave());
      }
    },
    async close() {
      console.log(`${name} on ${runtime}: another client waited ${Math.ceil(longest)} ms at most`);
      const drained = hub.drain({ spread: 0, within: 1_000 });
      await Promise.race([drained, sleep(1_000, undefined, { ref: false })]);
      await server.close();
    },
  };
}

/** A client that only wants to be answered. */
class Bystander {
  readonly #client: RawClient;
  readonly #over: Promise<number>;
  #isLeaving = false;

  constructor(client: RawClient) {
    this.#client = client;
    this.#over = this.#ping();
    // Told when it leaves.
    this.#over.catch(() => {});
  }

  /** Gives the longest time it waited for an answer, in milliseconds. */
  async leave(): Promise<number> {
    this.#isLeaving = true;
    const longest = await this.#over;
    await this.#client.close();
    return longest;
  }

  async #ping(): Promise<number> {
    let longest = 0;
    let times = 0;
    do {
      const asked = performance.now();
      const { type } = await this.#client.ask({ type: "ping" });
      if (type !== "pong") throw new Error(`the other client was answered ${type}`);
      longest = Math.max(longest, performance.now() - asked);
      if (!this.#isLeaving) await sleep(++times <= REST.times ? REST.first : REST.then);
    } while (!this.#isLeaving);
    return longest;
  }
}

/** Ends connections of a suite's tests that these leave open. */
export function clientsOf(connect: typeof connectRaw = connectRaw): typeof connectRaw {
  const open: RawClient[] = [];
  after(() => {
    for (const client of open) client.terminate();
  });
  return async (...terms) => {
    const client = await connect(...terms);
    open.push(client);
    return client;
  };
}
