import { byteLength } from "../base/byte_length.ts";
import type { Clock } from "../base/clock.ts";
import { HeddleError } from "../base/errors.ts";
import { type Random, uuid } from "../base/random.ts";
import { retryAfterDelay } from "./backoff.ts";
import type { Received } from "./frames.ts";
import { type FrameKind, type Link, notConnected } from "./link.ts";
import { Pace, type ToldRates } from "./pace.ts";
import type { Waiting } from "./requests.ts";

/** How much may wait while there is no connection, or the server takes no more. */
export interface QueueOptions {
  /** Messages. @default 1000 */
  readonly messages: number;
  /** Bytes of messages. @default 1048576 */
  readonly bytes: number;
}

/** What becomes of a message where there is no connection, or the one it was written to is lost. */
export type Fate =
  /** It belongs to the opening of a connection: written at once, and lost with it. */
  | "opening"
  /** It is for the connection there is, and lost with it. */
  | "connection"
  /** It waits for a connection, and is lost with the one it was written to. */
  | "once"
  /** It is written again where the session goes on: the server knows it by its id. */
  | "session"
  /** It is written until it is answered, and so may be taken twice. */
  | "always";

/** A message on its way out. */
export interface Outgoing {
  /** Its correlation id. */
  readonly id: string;
  readonly type: string;
  readonly frame: string | Uint8Array<ArrayBuffer>;
  readonly kind: FrameKind;
  readonly fate: Fate;
  /** Who waits for its answer, if anybody. */
  readonly waiting?: Waiting;
  /** Whether it goes before those that wait. */
  readonly isUrgent?: boolean;
}

/** What the queue writes to: a {@linkcode Link}. */
export type Writable = Pick<Link, "isWritable" | "check" | "send">;

interface Item extends Outgoing {
  readonly size: number;
  readonly order: number;
  /** Wall time of the first writing. */
  writtenAt?: number;
}

/** What the queue works with. */
export interface QueueParts {
  readonly options: QueueOptions;
  readonly clock: Clock;
  readonly random: Random;
  /** Whether there is a connection, or there may be one. */
  isAwaited(): boolean;
  /** Something went wrong with a message that nobody waits for. */
  report(error: unknown): void;
}

/** How many may be under way where the server does not say, and how many of its places are left free. */
const IN_FLIGHT = 64;
const LEFT_FREE = 8;

/** How long to rest at least where the server takes no more, in seconds. */
const PAUSE = 0.1;

/** How many of the refusals that a server bears are left free, where others share a limit. */
const REFUSALS_LEFT = 4;

/** A server knows a publication again for five minutes; a minute of that is left for clocks and ways. */
const KNOWN_AGAIN = 240_000;

/**
 * What waits to go out, and what was written and not answered, in the order in which it was given.
 * Never more is under way than the server takes, nor more often than it said.
 */
export class Queue {
  readonly #parts: QueueParts;
  readonly #pace = new Pace();
  #items: Item[] = [];
  #bytes = 0;
  /** Written and not answered, in the order of writing. */
  readonly #written = new Map<string, Item>();
  #writtenBytes = 0;
  #link: Writable | undefined;
  #isOpen = false;
  #order = 0;
  /** How many may be under way now, and at most. */
  #window = 1;
  #maxWindow = 1;
  #maxBytes = Infinity;
  #stopPause: (() => void) | undefined;
  /** Ends the wait for a turn. */
  #stopWaiting: (() => void) | undefined;
  /** The ping whose answer shows that what was written before it was taken. */
  #fence: string | undefined;

  constructor(parts: QueueParts) {
    this.#parts = parts;
  }

  /** How many messages wait to be written. */
  get size(): number {
    return this.#items.length;
  }

  /** There is a link, for the messages of its opening. */
  greet(link: Writable): void {
    this.#link = link;
  }

  /**
   * The connection takes messages.
   *
   * @param isResumed Whether the session goes on that earlier messages were written to.
   */
  open(told: ToldRates, isResumed: boolean): void {
    const { limits } = told;
    this.#pace.begin(told, isResumed);
    // Where others use up what is this user's too, all that is under way may be refused at once.
    const isShared = limits["messages_per_minute"] !== undefined;
    const bearable = isShared ? (limits["refusals_per_second"] ?? Infinity) : Infinity;
    this.#maxWindow = Math.max(
      1,
      Math.min((limits["in_flight"] ?? IN_FLIGHT) - LEFT_FREE, bearable - REFUSALS_LEFT),
    );
    this.#maxBytes = limits["in_flight_bytes"] ?? Infinity;
    this.#window = this.#maxWindow;
    this.#isOpen = true;
    for (const item of [...this.#items]) {
      if (item.writtenAt === undefined || item.fate !== "session") continue;
      const age = this.#parts.clock.wall() - item.writtenAt;
      if (!isResumed || age > KNOWN_AGAIN) this.#fail(item, nobodyKnows());
    }
    this.#pump();
  }

  /**
   * Sends a message, now or when there is a connection that takes it.
   *
   * @throws {HeddleError} `closed`, `too_large`, or `queue_full`.
   */
  post(outgoing: Outgoing): void {
    const { frame, kind, fate } = outgoing;
    if (fate === "connection" ? !this.#isOpen : !this.#parts.isAwaited()) throw notConnected();
    this.#link?.check(frame, kind);
    const size = typeof frame === "string" ? byteLength(frame) : frame.byteLength;
    const order = outgoing.isUrgent ? 0 : ++this.#order;
    const item: Item = { ...outgoing, size, order };
    if (fate === "opening") return this.#write(item);
    const goesNow = this.#items.length === 0 && this.#takes(item);
    if (!goesNow && !outgoing.isUrgent && fate !== "connection") this.#checkRoom(size);
    this.#put(item);
    this.#pump();
  }

  /** An answer came. True where it is dealt with. */
  answered({ correlationId: id, known }: Received): boolean {
    const item = id === undefined ? undefined : this.#written.get(id);
    if (item === undefined) return false;
    this.#confirmBefore(item);
    const isTooMuch = known?.type === "error" && known.code === "rate_limited";
    if (isTooMuch) this.#rest(Math.max(known.retry_after ?? 0, PAUSE));
    else this.#window = Math.min(this.#maxWindow, this.#window + 1);
    const isFence = this.#fence === id;
    if (isFence) this.#fence = undefined;
    const goesAgain = isTooMuch && isLasting(item);
    if (goesAgain || item.waiting === undefined) this.#unwrite(item);
    if (goesAgain) {
      item.waiting?.returned();
      this.#put(item);
    }
    this.#pump();
    return goesAgain || isFence;
  }

  /** Nobody waits for its answer any more; where it has not been written, it will not be. */
  close(id: string): void {
    const item = this.#written.get(id);
    if (item !== undefined) {
      this.#unwrite(item);
      this.#pump();
      return;
    }
    const waiting = this.#items.find((item) => item.id === id);
    if (waiting !== undefined) this.#remove(waiting);
  }

  /** The connection is gone: what may be written again waits for the next. */
  offline(error: HeddleError): void {
    this.#link = undefined;
    this.#isOpen = false;
    this.#fence = undefined;
    this.#stopPause?.();
    this.#stopPause = undefined;
    this.#stopWaiting?.();
    this.#stopWaiting = undefined;
    const written = [...this.#written.values()];
    this.#written.clear();
    this.#writtenBytes = 0;
    for (const item of written) {
      if (item.fate === "session" || item.fate === "always") {
        item.waiting?.returned();
        this.#put(item);
      } else item.waiting?.fail(error);
    }
    for (const item of [...this.#items]) if (!isLasting(item)) this.#fail(item, error);
  }

  /** There will be no connection: nothing waits any more. */
  abandon(error: HeddleError): void {
    const unowned = this.#items.filter(({ waiting }) => waiting === undefined);
    for (const item of unowned) this.#remove(item);
    for (const item of [...this.#items]) this.#fail(item, error);
    if (unowned.length === 0) return;
    const what = `${unowned.length} messages that waited were not sent: ${error.message}`;
    this.#parts.report(new HeddleError("closed", what, { cause: error }));
  }

  #checkRoom(size: number): void {
    const { messages, bytes } = this.#parts.options;
    if (this.#items.length < messages && this.#bytes + size <= bytes) return;
    throw new HeddleError(
      "queue_full",
      `${this.#items.length} messages of ${this.#bytes} bytes wait for the connection; ` +
        `${messages} of ${bytes} bytes may`,
    );
  }

  #takes(item: Item): boolean {
    return this.#hasRoom(item) && this.#wait(item.type) === 0;
  }

  #wait(type: string): number {
    return this.#pace.wait(type, this.#parts.clock.now());
  }

  #hasRoom({ size }: Item): boolean {
    if (!this.#isOpen || this.#stopPause !== undefined || !this.#link?.isWritable) return false;
    if (this.#written.size === 0) return true;
    return this.#written.size < this.#window && this.#writtenBytes + size <= this.#maxBytes;
  }

  #pump(): void {
    while (this.#items[0] !== undefined && this.#takes(this.#items[0])) {
      const [item] = this.#items;
      this.#remove(item);
      this.#write(item);
    }
    this.#mark();
    const [first] = this.#items;
    if (first === undefined || !this.#hasRoom(first)) return;
    // Its turn may have come meanwhile, and then it goes as soon as may be.
    this.#lookAgain(this.#wait(first.type));
  }

  /** Goes on when it is the turn of what waits. */
  #lookAgain(wait: number): void {
    this.#stopWaiting?.();
    this.#stopWaiting = this.#parts.clock.after(wait, () => {
      this.#stopWaiting = undefined;
      this.#pump();
    });
  }

  #write(item: Item): void {
    try {
      if (this.#link === undefined) throw notConnected();
      this.#link.send(item.frame, item.kind);
    } catch (error) {
      return this.#fail(item, error);
    }
    this.#pace.take(item.type, this.#parts.clock.now());
    item.writtenAt ??= this.#parts.clock.wall();
    this.#written.set(item.id, item);
    this.#writtenBytes += item.size;
    item.waiting?.written();
  }

  /** Asks for a sign that messages without an answer were taken, where it matters. */
  #mark(): void {
    if (this.#fence !== undefined || this.#stopPause !== undefined || !this.#isOpen) return;
    const unanswered = [...this.#written.values()].filter(({ waiting }) => waiting === undefined);
    const [first] = this.#items;
    const isBlocked = first !== undefined && !this.#hasRoom(first);
    const isAwaited = unanswered.some(({ fate }) => isBlocked || fate === "always");
    if (!isAwaited || !this.#link?.isWritable) return;
    const wait = this.#wait("ping");
    if (wait > 0) return this.#lookAgain(wait);
    const id = uuid(this.#parts.random);
    this.#fence = id;
    const frame = JSON.stringify({ type: "ping", correlation_id: id });
    const size = frame.length;
    this.#write({ id, type: "ping", frame, kind: "text", fate: "connection", size, order: 0 });
  }

  /** The server refuses at once what it does not take, so what came before an answer was taken. */
  #confirmBefore(item: Item): void {
    for (const earlier of this.#written.values()) {
      if (earlier === item) return;
      if (earlier.waiting === undefined) this.#unwrite(earlier);
    }
  }

  /** The server takes no more for now. */
  #rest(seconds: number): void {
    this.#window = 1;
    this.#stopPause?.();
    this.#stopPause = this.#parts.clock.after(retryAfterDelay(seconds), () => {
      this.#stopPause = undefined;
      this.#pump();
    });
  }

  /** Puts it in its place: urgent ones first, the others in the order in which they were given. */
  #put(item: Item): void {
    let at = this.#items.length;
    while (at > 0 && this.#items[at - 1]!.order > item.order) at--;
    this.#items.splice(at, 0, item);
    this.#bytes += item.size;
  }

  #remove(item: Item): void {
    const at = this.#items.indexOf(item);
    if (at < 0) return;
    this.#items.splice(at, 1);
    this.#bytes -= item.size;
  }

  #unwrite(item: Item): void {
    if (this.#written.delete(item.id)) this.#writtenBytes -= item.size;
  }

  #fail(item: Item, error: unknown): void {
    this.#remove(item);
    if (item.waiting !== undefined) item.waiting.fail(error);
    else this.#parts.report(error);
  }
}

/** Whether it waits for a connection where there is none. */
function isLasting({ fate }: Outgoing): boolean {
  return fate !== "opening" && fate !== "connection";
}

function nobodyKnows(): HeddleError {
  return new HeddleError(
    "closed",
    "the connection was lost before the answer, and the session with it; nobody knows what became of it",
  );
}
