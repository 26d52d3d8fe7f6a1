/**
 * A broker that takes its time, as one over a network does: what it answers and what it delivers waits
 * until a test lets it go, each in an order of its own.
 *
 * @module
 */
import { attempt, type MaybePromise } from "../base/maybe_promise.ts";
import type {
  Broker,
  BrokerSubscription,
  HistoryPage,
  HistoryQuery,
  Placed,
  PublishTerms,
  Retention,
  SessionStore,
} from "../broker/broker.ts";
import type { PresenceStore } from "../broker/presence.ts";
import type { ChannelEvent, NewEvent } from "../protocol/event.ts";

/** What is under way to one listener. */
interface Line {
  readonly due: ChannelEvent[];
  readonly onEvent: (event: ChannelEvent) => void;
}

/** Stands before another broker. */
export class LateBroker implements Broker {
  readonly sessions: SessionStore;
  readonly presence: PresenceStore;
  /** Whether a question is looked at when it is answered, not when it is asked. */
  looksLate = false;
  readonly #broker: Broker;
  readonly #isPrompt: boolean;
  readonly #answers: (() => void)[] = [];
  readonly #lines = new Set<Line>();

  /** @param isPrompt Whether everything goes by itself, in the next turns of the event loop. */
  constructor(broker: Broker, { isPrompt = false } = {}) {
    this.#broker = broker;
    this.#isPrompt = isPrompt;
    const { sessions, presence } = broker;
    this.presence = presence;
    this.sessions = {
      get size() {
        return sessions.size;
      },
      get evicted() {
        return sessions.evicted;
      },
      put: (...terms) => this.#later(attempt(() => sessions.put(...terms))),
      take: (...terms) => this.#later(attempt(() => sessions.take(...terms))),
      end: (...terms) => this.#later(attempt(() => sessions.end(...terms))),
    };
  }

  get kept(): number {
    return this.#broker.kept;
  }

  /** How many answers and deliveries wait. */
  get waiting(): number {
    let waiting = this.#answers.length;
    for (const { due } of this.#lines) waiting += due.length;
    return waiting;
  }

  /** Lets one answer go. */
  answer(which: number): void {
    const [answer] = this.#answers.splice(which % Math.max(1, this.#answers.length), 1);
    answer?.();
  }

  /** Lets all answers go that wait, in their order. */
  answerAll(): void {
    for (const answer of this.#answers.splice(0)) answer();
  }

  /** Delivers the next event to one listener. */
  deliver(which: number): void {
    const lines = [...this.#lines].filter(({ due }) => due.length > 0);
    const line = lines[which % Math.max(1, lines.length)];
    const event = line?.due.shift();
    if (event !== undefined) line?.onEvent(event);
  }

  publish(channel: string, event: NewEvent, terms: PublishTerms): Promise<Placed> {
    return this.#later(attempt(() => this.#broker.publish(channel, event, terms)));
  }

  announce(channel: string, event: NewEvent): Promise<void> {
    return this.#later(attempt(() => this.#broker.announce(channel, event)));
  }

  subscribe(
    channel: string,
    retention: Retention,
    onEvent: (event: ChannelEvent) => void,
  ): Promise<BrokerSubscription> {
    const line: Line = { due: [], onEvent };
    const subscribed = attempt(() =>
      this.#broker.subscribe(channel, retention, (event) => {
        if (!this.#lines.has(line)) return;
        line.due.push(event);
        if (this.#isPrompt) setTimeout(() => this.#deliverTo(line));
      })
    );
    this.#lines.add(line);
    const closing = async (): Promise<BrokerSubscription> => {
      const subscription = await subscribed;
      return {
        position: subscription.position,
        close: () => {
          this.#lines.delete(line);
          subscription.close();
        },
      };
    };
    return this.#later(closing());
  }

  history(channel: string, query: HistoryQuery): Promise<HistoryPage | undefined> {
    const look = () => attempt(() => this.#broker.history(channel, query));
    if (!this.looksLate) return this.#later(look());
    return this.#later(undefined).then(look);
  }

  close(): MaybePromise<void> {
    this.#lines.clear();
    return this.#broker.close();
  }

  #deliverTo(line: Line): void {
    const event = line.due.shift();
    if (event !== undefined && this.#lines.has(line)) line.onEvent(event);
  }

  #later<T>(value: MaybePromise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const answer = () => Promise.resolve(value).then(resolve, reject);
      // What fails before it is let go is not unhandled: it is not looked at yet.
      Promise.resolve(value).catch(() => {});
      if (this.#isPrompt) setTimeout(answer);
      else this.#answers.push(answer);
    });
  }
}
