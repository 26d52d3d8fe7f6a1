/** Until when a credential holds. */
export interface Credential {
  /** When it runs out, in milliseconds since 1970. */
  readonly expiresAt: number;
  /** For how many milliseconds more it is taken, since clocks differ. */
  readonly tolerance: number;
}

/** How long before the end its owner is warned, in milliseconds. */
const WARNING = 60_000;

/** The longest time between two looks at the wall clock, which may be set or sleep; milliseconds. */
const LOOK = 30_000;

/**
 * Watches over a credential. It runs out by the wall clock, and timers go by the monotonic one; so the
 * deadline is made anew from both at each look, and one that is far off is not relied upon.
 */
export class Expiry {
  readonly #credential: Credential;
  #isWarned = false;
  #deadline: number;

  constructor(credential: Credential, now: number, wall: number) {
    this.#credential = credential;
    this.#deadline = this.#nextLook(now, wall);
  }

  /** When {@linkcode Expiry.advance} wants to be called, in monotonic milliseconds. */
  get deadline(): number {
    return this.#deadline;
  }

  /** Whole seconds for which it still holds, 0 or more. */
  secondsLeft(wall: number): number {
    return Math.max(0, Math.round((this.#credential.expiresAt - wall) / 1000));
  }

  /**
   * Says what is to be done now.
   *
   * @param told Whether the owner can be told: a warning that cannot be is put off.
   */
  advance(now: number, wall: number, told: "told" | "untold"): "valid" | "expiring" | "expired" {
    const { expiresAt, tolerance } = this.#credential;
    if (wall >= expiresAt + tolerance) return "expired";
    const isExpiring = told === "told" && !this.#isWarned && wall >= expiresAt - WARNING;
    if (isExpiring) this.#isWarned = true;
    this.#deadline = this.#nextLook(now, wall);
    return isExpiring ? "expiring" : "valid";
  }

  #nextLook(now: number, wall: number): number {
    const { expiresAt, tolerance } = this.#credential;
    const next = this.#isWarned ? expiresAt + tolerance : expiresAt - WARNING;
    return now + Math.min(Math.max(0, next - wall), LOOK);
  }
}
