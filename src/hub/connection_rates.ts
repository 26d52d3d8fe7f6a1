import { SlidingWindow, type WindowRule } from "../base/sliding_window.ts";
import { TokenBucket } from "../base/token_bucket.ts";
import type { Inbound } from "../protocol/decode.ts";
import type { Failure } from "../protocol/errors.ts";
import type { Bucket, Rates } from "./rates.ts";

/** A message that came too soon. */
export interface Limited {
  readonly reason: Failure;
  /** Whether it was one refusal too many. */
  readonly isAbuse: boolean;
}

/** A bucket that was used, and the one that was first used before it: most sessions use few of them. */
class UsedBucket extends TokenBucket {
  readonly kind: Bucket;
  readonly next: UsedBucket | undefined;

  constructor(kind: Bucket, next: UsedBucket | undefined) {
    super(kind.rule);
    this.kind = kind;
    this.next = next;
  }
}

/**
 * Counts the messages of one connection: by its session's buckets, by its own window, and by what it
 * shares with others. It is made when one comes and may be forgotten when it is idle.
 */
export class ConnectionRates {
  readonly #rates: Rates;
  readonly #key: string;
  /** The first of those that were used. They go with the session. */
  #used: UsedBucket | undefined;
  /** The connection's own window, while more than one message is in it: few are ever that quick. */
  #window: SlidingWindow | undefined;
  /** When the last message came while there was no window. */
  #last = -Infinity;
  #refusals: SlidingWindow | undefined;

  /** @param key Whom the connection's messages count for, beside itself; "" where that is nobody. */
  constructor(rates: Rates, key: string) {
    this.#rates = rates;
    this.#key = key;
  }

  /** Takes a message; gives why not where one of the limits has no room, and then it counts nowhere. */
  take(inbound: Inbound, now: number): Limited | undefined {
    const { buckets, connection, user, hub } = this.#rates;
    const kind = buckets.get(typeOf(inbound)) ?? buckets.get("default")!;
    const bucket = this.#bucket(kind);
    const wait = bucket.wait(now);
    if (kind.type === "ack") {
      if (wait > 0) return this.#limited("messages", wait, now, kind);
      bucket.take(now);
      return undefined;
    }
    const ofConnection = connection === undefined ? 0 : this.#waitFor(connection, now);
    const ofUser = user?.wait(this.#key, now) ?? 0;
    const ofHub = hub?.wait(this.#key, now) ?? 0;
    const longest = Math.max(wait, ofConnection, ofUser, ofHub);
    if (longest > 0) {
      const by = longest === wait
        ? "messages"
        : longest === ofConnection
        ? "connection"
        : longest === ofUser
        ? "user"
        : "hub";
      return this.#limited(by, longest, now, kind);
    }
    bucket.take(now);
    if (this.#window === undefined) this.#last = now;
    else this.#window.take(now);
    user?.take(this.#key, now);
    hub?.take(this.#key, now);
    return undefined;
  }

  /** When it is as if no message had come, in monotonic milliseconds. */
  get idleAt(): number {
    const { connection } = this.#rates;
    let idleAt = Math.max(
      this.#last + (connection?.window ?? 0),
      this.#window?.idleAt ?? -Infinity,
      this.#refusals?.idleAt ?? -Infinity,
    );
    for (let bucket = this.#used; bucket !== undefined; bucket = bucket.next) {
      idleAt = Math.max(idleAt, bucket.idleAt);
    }
    return idleAt;
  }

  /** For each bucket that is not full, how long until it is, in milliseconds. */
  used(now: number): ReadonlyMap<string, number> {
    const used = new Map<string, number>();
    for (let bucket = this.#used; bucket !== undefined; bucket = bucket.next) {
      if (bucket.idleAt > now) used.set(bucket.kind.type, bucket.idleAt - now);
    }
    return used;
  }

  /** Takes as much out of the buckets as another connection of the session had taken. */
  restore(used: Iterable<readonly [type: string, milliseconds: number]>, now: number): void {
    for (const [type, milliseconds] of used) {
      const kind = this.#rates.buckets.get(type);
      if (kind === undefined) continue;
      this.#bucket(kind).holdUntil(now + milliseconds, now);
    }
  }

  /** How long until its own window takes one more. */
  #waitFor(rule: WindowRule, now: number): number {
    if (this.#window !== undefined && this.#window.idleAt <= now) this.#window = undefined;
    if (this.#window === undefined) {
      if (this.#last + rule.window <= now) return 0;
      this.#window = new SlidingWindow(rule);
      this.#window.take(this.#last);
      this.#last = -Infinity;
    }
    return this.#window.wait(now);
  }

  #bucket(kind: Bucket): TokenBucket {
    for (let bucket = this.#used; bucket !== undefined; bucket = bucket.next) {
      if (bucket.kind === kind) return bucket;
    }
    return this.#used = new UsedBucket(kind, this.#used);
  }

  #limited(
    by: "messages" | "connection" | "user" | "hub",
    wait: number,
    now: number,
    kind: Bucket,
  ): Limited {
    const { stats, refusals } = this.#rates;
    stats[by]++;
    const retryAfter = Math.ceil(wait) / 1000;
    const message = `Rate limit exceeded: ${this.#describe(by, kind)}`;
    const reason: Failure = { code: "rate_limited", message, retryAfter };
    // Nobody is to blame for what all of them do together.
    if (by === "hub" || refusals === undefined) return { reason, isAbuse: false };
    this.#refusals ??= new SlidingWindow(refusals);
    const isAbuse = this.#refusals.take(now) > 0;
    if (isAbuse) stats.abuse++;
    return { reason, isAbuse };
  }

  #describe(by: "messages" | "connection" | "user" | "hub", { type, rule }: Bucket): string {
    switch (by) {
      case "messages": {
        const which = type === "default" ? "such messages" : `"${type}"`;
        return `${rule.capacity} ${which} may come at once, and ${rule.perSecond} a second`;
      }
      case "connection":
        return `${this.#rates.connection?.limit} messages a second may come on a connection`;
      case "user":
        return "so many messages of one user or address may not come in a minute";
      case "hub":
        return "the server takes no more messages at the moment";
    }
  }
}

/** What a message counts as. A type that the client made up is nobody's and so counts with all such. */
function typeOf(inbound: Inbound): string {
  switch (inbound.kind) {
    case "request":
      return inbound.request.type;
    case "application":
      return inbound.message.type;
    case "failure":
      return inbound.type ?? "default";
  }
}
