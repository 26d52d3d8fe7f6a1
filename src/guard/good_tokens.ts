import { type Clock, systemClock } from "../base/clock.ts";
import { optionInvalid } from "../base/option_checks.ts";
import { isTimely } from "./claim_rules.ts";
import type { ClaimOptions, Claims, Verify } from "./claims.ts";

/** For how long a token that was good is not verified again, in milliseconds. */
const MEMORY = 60_000;

/** The characters of tokens and claims that are remembered at most. */
const MAX_CHARACTERS = 8_388_608;

/** How tokens are remembered that were good. */
export interface GoodTokenOptions extends Pick<ClaimOptions, "clockTolerance" | "clock"> {
  /**
   * How many tokens that were good by the `publicKey` are remembered, the newest of them, so that a
   * signature is not verified again within a minute: clients that come back have the same token, and so
   * have the several connections of one user. Its times are looked at each time, and what stands behind
   * `jwtAuth`, such as a look-up, is asked each time. With `secret` or `jwks` none is remembered. All of
   * them have 8 MiB together; 0 remembers none. @default 10000
   */
  readonly rememberedTokens?: number;
}

/** A token that was good. */
interface GoodToken {
  /** As JSON: everybody who comes with it gets claims of its own. */
  readonly claims: string;
  /** In monotonic milliseconds. */
  readonly until: number;
}

/** Makes a check that remembers which tokens were good; of those that were not, nothing. */
export function remembering(verify: Verify, options: GoodTokenOptions): Verify {
  const { rememberedTokens: most = 10_000, clock = systemClock, clockTolerance } = options;
  if (!Number.isSafeInteger(most) || most < 0) {
    throw optionInvalid("rememberedTokens must be an integer, 0 or more");
  }
  if (most === 0) return verify;
  const tokens = new GoodTokens(most, clock);
  return async (token) => {
    const known = tokens.get(token);
    // One whose time is over is left to the check, which says what is wrong with it.
    if (known !== undefined && isTimely(known, clock.wall(), clockTolerance)) return known;
    const claims = await verify(token);
    tokens.add(token, claims);
    return claims;
  };
}

/** A table in the order of its times, which all are equally long. */
class GoodTokens {
  readonly #tokens = new Map<string, GoodToken>();
  readonly #most: number;
  readonly #clock: Clock;
  #characters = 0;

  constructor(most: number, clock: Clock) {
    this.#most = most;
    this.#clock = clock;
  }

  get(token: string): Claims | undefined {
    const known = this.#tokens.get(token);
    if (known === undefined || known.until <= this.#clock.now()) return undefined;
    return JSON.parse(known.claims) as Claims;
  }

  add(token: string, claims: Claims): void {
    this.#delete(token);
    const now = this.#clock.now();
    const good: GoodToken = { claims: JSON.stringify(claims), until: now + MEMORY };
    this.#tokens.set(token, good);
    this.#characters += sizeOf(token, good);
    for (const [oldest, { until }] of this.#tokens) {
      const isOver = this.#tokens.size > this.#most || this.#characters > MAX_CHARACTERS;
      if (!isOver && until > now) return;
      this.#delete(oldest);
    }
  }

  #delete(token: string): void {
    const known = this.#tokens.get(token);
    if (known === undefined) return;
    this.#tokens.delete(token);
    this.#characters -= sizeOf(token, known);
  }
}

function sizeOf(token: string, { claims }: GoodToken): number {
  return token.length + claims.length;
}
