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

/** After so many, a second, it is over with a peer that never stops. */
const MOST_LOOKS = 100;

/** A moment in which a peer says nothing, for what must not come in the middle of its messages. */
export class Lull {
  readonly #then: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #heard = false;
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
    this.#heard = true;
  }

  #wait(): void {
    this.#timer = setTimeout(() => this.#look(), LOOK);
  }

  #look(): void {
    this.#silent = this.#heard ? 0 : this.#silent + 1;
    this.#heard = false;
    this.#looks++;
    if (this.#silent >= SILENT_LOOKS || this.#looks >= MOST_LOOKS) this.end();
    else this.#wait();
  }
}
