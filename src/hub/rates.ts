import type { WindowRule } from "../base/sliding_window.ts";
import { GlobalLimit } from "../guard/global_limit.ts";
import { KeyedLimit } from "../guard/keyed_limit.ts";
import { networkOf } from "../guard/network.ts";
import type { RateLimit } from "../guard/rate_limit.ts";
import { Refusal } from "../guard/refusal.ts";
import type { BucketRule } from "../base/token_bucket.ts";
import { clientSchemas } from "../protocol/messages.ts";
import { ConnectionRates } from "./connection_rates.ts";
import type { RateStats } from "./info.ts";
import type { ResolvedRates } from "./rate_options.ts";

/** One bucket of each session. */
export interface Bucket {
  /** The type it is for; `default` for those that share one. */
  readonly type: string;
  readonly rule: BucketRule;
}

/** What all connections of a hub share of the limits on how often something may happen. */
export class Rates {
  /** By message type; a type that is not here has the bucket `default`. */
  readonly buckets: ReadonlyMap<string, Bucket>;
  readonly connection: WindowRule | undefined;
  readonly refusals: WindowRule | undefined;
  readonly user: RateLimit | undefined;
  readonly hub: RateLimit | undefined;
  readonly stats: { -readonly [K in keyof RateStats]: RateStats[K] } = noRefusals();
  readonly upgrades: RateLimit | undefined;

  constructor({ messages, connection, refusals, user, hub, upgrades, keys }: ResolvedRates) {
    const types = new Set([...messages.keys(), ...Object.keys(clientSchemas)]);
    const rule = messages.get("default")!;
    this.buckets = new Map(
      Array.from(types, (type) => [type, { type, rule: messages.get(type) ?? rule }]),
    );
    this.connection = connection;
    this.refusals = refusals;
    this.user = user && new KeyedLimit(user, { keys });
    this.hub = hub && new GlobalLimit(hub);
    this.upgrades = upgrades && new KeyedLimit(upgrades, { keys });
  }

  /** Begins to count a connection's messages. */
  of({ userId, address }: { readonly userId: string | null; readonly address: string }) {
    const isShared = this.user !== undefined || this.hub !== undefined;
    return new ConnectionRates(this, isShared ? keyOf(userId, address) : "");
  }

  /**
   * Counts a request for a connection.
   *
   * @throws {Refusal} 429 where too many came from there.
   */
  admit(address: string, now: number): void {
    const wait = this.upgrades?.take(networkOf(address), now) ?? 0;
    if (wait === 0) return;
    this.stats.upgrades++;
    const seconds = Math.ceil(wait / 1000);
    const what = "Rate limit exceeded";
    throw new Refusal(429, what, `${what}. Try again in ${seconds} seconds.`, {
      "Retry-After": String(seconds),
    });
  }
}

function keyOf(userId: string | null, address: string): string {
  return userId === null ? `address:${networkOf(address)}` : `user:${userId}`;
}

/** The counters where nothing was refused. */
export function noRefusals(): RateStats {
  return { messages: 0, connection: 0, user: 0, hub: 0, upgrades: 0, abuse: 0 };
}
