/** How many acknowledgements are remembered: twice what a server lets wait on one connection. */
const MEMORY = 2_000;

/** Acknowledgements in one message: they fit the smallest limit even where their ids are the longest. */
const PER_MESSAGE = 64;

/** Says which events were handled, and remembers it, since a server repeats what it does not hear of. */
export class Acknowledger {
  readonly #send: (ackIds: readonly string[]) => void;
  /** Those lately handed over, the oldest first, and whether their handlers are done. */
  readonly #handed = new Map<string, boolean>();
  #due: string[] = [];

  /** @param send Sends acknowledgements where there is a connection. */
  constructor(send: (ackIds: readonly string[]) => void) {
    this.#send = send;
  }

  /** Whether the event was handed over before. Where its handlers are done, it is acknowledged again. */
  knows(ackId: string): boolean {
    const isDone = this.#handed.get(ackId);
    if (isDone === true) this.#acknowledge(ackId);
    return isDone !== undefined;
  }

  /** The event is handed over; it is acknowledged when its handlers are done. */
  handed(ackId: string, done: Promise<unknown> | undefined): void {
    this.#handed.set(ackId, done === undefined);
    if (this.#handed.size > MEMORY) {
      for (const oldest of this.#handed.keys()) {
        this.#handed.delete(oldest);
        break;
      }
    }
    if (done === undefined) this.#acknowledge(ackId);
    else {
      void done.then(() => {
        if (this.#handed.has(ackId)) this.#handed.set(ackId, true);
        this.#acknowledge(ackId);
      });
    }
  }

  /** The session is over: nothing of it is repeated any more. */
  clear(): void {
    this.#handed.clear();
    this.#due = [];
  }

  #acknowledge(ackId: string): void {
    this.#due.push(ackId);
    if (this.#due.length === 1) queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    const due = this.#due;
    this.#due = [];
    for (let at = 0; at < due.length; at += PER_MESSAGE) {
      this.#send(due.slice(at, at + PER_MESSAGE));
    }
  }
}
