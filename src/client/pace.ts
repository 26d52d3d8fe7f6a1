import { SlidingWindow } from "../base/sliding_window.ts";
import { type BucketRule, TokenBucket } from "../base/token_bucket.ts";
import { isRequestType, type ServerMessageOf } from "../protocol/messages.ts";

/** What a server says of how often messages may come. */
export type ToldRates = Pick<ServerMessageOf<"connected">, "limits" | "rates">;

/** What is left free, for messages that come closer together than they were sent, and for pings. */
const LEFT_FREE = 0.1;

/** Keeps a client's messages within what its server told it, so that they need not be refused. */
export class Pace {
  #rules: ReadonlyMap<string, BucketRule> = new Map();
  readonly #buckets = new Map<string, TokenBucket>();
  #second: SlidingWindow | undefined;
  #minute: SlidingWindow | undefined;
  #minuteLimit: number | undefined;

  /**
   * There is a connection.
   *
   * @param isResumed Whether its session is the former one, whose buckets stay as they are.
   */
  begin({ limits, rates = {} }: ToldRates, isResumed: boolean): void {
    const rules = Object.entries(rates)
      .map(([type, { capacity, per_second: perSecond }]) =>
        [type, { capacity, perSecond }] as const
      )
      .filter(([, { capacity, perSecond }]) => capacity >= 1 && perSecond > 0);
    this.#rules = new Map(rules);
    if (!isResumed) this.#buckets.clear();
    this.#second = windowOf(limits["messages_per_second"], 1_000);
    // It is the user's, whichever connection they have.
    if (limits["messages_per_minute"] === this.#minuteLimit) return;
    this.#minuteLimit = limits["messages_per_minute"];
    this.#minute = windowOf(this.#minuteLimit, 60_000);
  }

  /** How long a message of this type should wait, in milliseconds; 0 where it may go. */
  wait(type: string, now: number): number {
    return Math.max(
      this.#bucket(type)?.wait(now) ?? 0,
      this.#second?.wait(now) ?? 0,
      this.#minute?.wait(now) ?? 0,
    );
  }

  /** A message of this type went. */
  take(type: string, now: number): void {
    this.#bucket(type)?.take(now);
    this.#second?.take(now);
    this.#minute?.take(now);
  }

  #bucket(type: string): TokenBucket | undefined {
    const name = this.#rules.has(type) || isRequestType(type) ? type : "default";
    const rule = this.#rules.get(name) ?? this.#rules.get("default");
    if (rule === undefined) return undefined;
    let bucket = this.#buckets.get(name);
    if (bucket === undefined) {
      const { capacity, perSecond } = rule;
      bucket = new TokenBucket({ capacity: most(capacity), perSecond });
      this.#buckets.set(name, bucket);
    }
    return bucket;
  }
}

function windowOf(limit: number | undefined, window: number): SlidingWindow | undefined {
  if (limit === undefined || !(limit >= 1)) return undefined;
  return new SlidingWindow({ limit: most(limit), window });
}

function most(limit: number): number {
  return Math.max(1, Math.floor(limit * (1 - LEFT_FREE)));
}
