/**
 * Waiting until a peer has said nothing for a moment.
 *
 * @module
 */

/** Milliseconds between two looks. */
const LOOK = 10;

/**
 * How many looks in a row must have heard nothing. The event loop reads sockets between two of them, so
 * that being late for one does not pass for a silence.
 */
const SILENT_LOOKS = 2;

/** After so many, a second, it is over with a peer that never stops, */
const MOST_LOOKS = 100;

/**
 * and after so many messages with one that floods: Deno reads what has come of them without a look at
 * any other socket.
 */
const MOST_HEARD = 1_000;

/** A moment in which a peer says nothing, for what must not come in the middle of its messages. */
export class Lull {
  readonly #then: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Messages since it began, */
  #heard = 0;
  /** and as many of them as the last look knew of. */
  #seen = 0;
  #silent = 0;
  #looks = 0;

  /** @param then Called once, when there is one. */
  constructor(then: () => void) {
    this.#then = then;
    this.#wait();
  }

  /** Waits no longer: it takes what moment there is. */
  end(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#then();
  }

  /** The peer has said something. */
  heard(): void {
    this.#heard++;
    if (this.#heard >= MOST_HEARD) this.end();
  }

  #wait(): void {
    this.#timer = setTimeout(() => this.#look(), LOOK);
  }

  #look(): void {
    this.#silent = this.#heard > this.#seen ? 0 : this.#silent + 1;
    this.#seen = this.#heard;
    this.#looks++;
    if (this.#silent >= SILENT_LOOKS || this.#looks >= MOST_LOOKS) this.end();
    else this.#wait();
  }
}
