/**
 * What may be done: steps as data, at random.
 *
 * @module
 */
import fc from "fast-check";

/** What can befall the network of one client. */
export type Trouble =
  | { readonly how: "segments" | "half-open" | "reset" | "end" | "flow" }
  | { readonly how: "delay"; readonly milliseconds: number }
  | { readonly how: "stall"; readonly way: "up" | "down" }
  | { readonly how: "break"; readonly after: number; readonly way: "up" | "down" };

/** One thing that one client does, on the channel of this number, or that befalls it. */
export type Step =
  & { readonly who: number; readonly where: number; readonly hasty: boolean }
  & (
    | { readonly does: "subscribe"; readonly from: "now" | "own" | "last" | "future" | "foreign" }
    | { readonly does: "unsubscribe" | "list" | "presence" | "ack" }
    | {
      readonly does: "publish";
      readonly count: number;
      readonly echo: boolean | null;
      readonly id: string | null;
    }
    | {
      readonly does: "history";
      readonly since: "start" | "own" | "future";
      readonly limit: number | null;
    }
    /** The application publishes to the client's user, or to it alone. */
    | { readonly does: "tell"; readonly to: "user" | "client" }
    | { readonly does: "cut" | "leave" | "go" | "promote" | "expire" | "settle" }
    | {
      readonly does: "resume";
      readonly by: "message" | "query";
      readonly positions: boolean;
      readonly spent: boolean;
    }
    | { readonly does: "trouble"; readonly trouble: Trouble }
  );

/** A kind of step. */
export type Deed = Step["does"];

/** What a run is made of. */
export interface Plan {
  readonly clients: number;
  readonly channels: number;
  /** How often each kind comes, beside the others. */
  readonly weights: Readonly<Partial<Record<Deed, number>>>;
  readonly most: number;
  /** What befalls the network. @default nothing */
  readonly troubles?: readonly Trouble["how"][];
}

const none = fc.constant({});
const way = fc.constantFrom("up" as const, "down" as const);

/** Each trouble that the network may have. */
const TROUBLES: Readonly<Record<Trouble["how"], fc.Arbitrary<object>>> = {
  "segments": none,
  "half-open": none,
  "reset": none,
  "end": none,
  "flow": none,
  "delay": fc.record({ milliseconds: fc.integer({ min: 1, max: 5 }) }),
  "stall": fc.record({ way }),
  "break": fc.record({ after: fc.integer({ min: 1, max: 900 }), way }),
};

/** What there is to choose for each kind of step; the first choice is the plainest. */
const CHOICES: Readonly<Record<Exclude<Deed, "trouble">, fc.Arbitrary<object>>> = {
  subscribe: fc.record({
    from: fc.constantFrom("now", "own", "last", "own", "last", "future", "foreign"),
  }),
  publish: fc.record({
    count: fc.constantFrom(1, 1, 2, 4),
    echo: fc.constantFrom(null, null, true, false),
    id: fc.constantFrom(null, null, null, "once", "twice"),
  }),
  history: fc.record({
    since: fc.constantFrom("start", "own", "future"),
    limit: fc.constantFrom(null, 1, 2),
  }),
  resume: fc.record({
    by: fc.constantFrom("message", "message", "query"),
    positions: fc.constantFrom(true, true, false),
    spent: fc.constantFrom(false, false, false, true),
  }),
  tell: fc.record({ to: fc.constantFrom("client", "user") }),
  unsubscribe: none,
  list: none,
  presence: none,
  ack: none,
  cut: none,
  leave: none,
  go: none,
  promote: none,
  expire: none,
  settle: none,
};

/** The fewest steps of a run; where something breaks, fewer are tried. */
const LEAST = 6;

/** Lists of steps. */
export function steps(plan: Plan): fc.Arbitrary<readonly Step[]> {
  const { clients, channels, weights, most, troubles = [] } = plan;
  const kinds = Object.entries(weights).map(([does, weight]) => ({
    weight,
    arbitrary: fc.tuple(
      fc.record({ who: fc.nat(clients - 1), where: fc.nat(channels - 1), hasty: fc.boolean() }),
      does === "trouble" ? troubleOf(troubles) : CHOICES[does as Exclude<Deed, "trouble">],
    ).map(([common, choice]) => ({ does, ...common, ...choice }) as Step),
  }));
  return fc.array(fc.oneof(...kinds), { minLength: LEAST, maxLength: most, size: "max" });
}

function troubleOf(hows: readonly Trouble["how"][]): fc.Arbitrary<object> {
  const each = hows.map((how) => TROUBLES[how].map((more) => ({ trouble: { how, ...more } })));
  return fc.oneof(...each);
}
