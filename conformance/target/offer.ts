/**
 * What a target offers to be judged by: the profile file, read and checked.
 *
 * @module
 */

/** What a role may do on a channel. */
export type Action = "subscribe" | "broadcast";

/** What the target promises of a channel, or of a family whose name ends in `*`. */
export interface ChannelOffer {
  /** By role; `*` for those not listed. */
  readonly permissions: Readonly<Record<string, readonly Action[]>>;
  /** Whether the kit has tried what it may, and knows nothing of other roles. @default false */
  readonly tried?: boolean;
  /** Whether a publisher gets its own event where it does not say. @default true */
  readonly echo?: boolean;
  /** @default no presence */
  readonly presence?: {
    /** Seconds that a lost connection is counted in. @default 10 */
    readonly grace_seconds?: number;
    /** Above it changes are told by `presence.count` alone. @default 1000 */
    readonly max_members?: number;
  };
  /** Whether each event is to be acknowledged. @default false */
  readonly ack?: boolean;
  /** How much of the past is kept. @default 1000 events, 300 seconds */
  readonly history?: { readonly size?: number; readonly seconds?: number };
  /** Data that each event type takes, and data that it does not. @default any type takes anything */
  readonly events?: Readonly<Record<string, EventOffer>>;
  /** What happens to a subscriber that reads too slowly. @default "disconnect" */
  readonly overflow?: "disconnect" | "drop-oldest" | "conflate";
}

/** Examples of one event type's data. */
export interface EventOffer {
  readonly valid: readonly unknown[];
  readonly invalid: readonly unknown[];
}

/** Where tokens come from: a secret that HS256 signs with, a command that prints one, or fixed ones. */
export type TokenOffer =
  | { readonly secret: string }
  /** Gets the claims as JSON in its last argument and prints the token. */
  | { readonly command: string }
  | { readonly roles: Readonly<Record<string, string>> };

/**
 * Messages of the application by which the kit has the target do what no client can ask for. What
 * each does stands in CASES.md; one that a target does not have is left out, and what needs it skipped.
 */
const APPLICATION_MESSAGES = [
  "kit.publish",
  "kit.unsubscribe",
  "kit.revoke",
  "kit.close",
  "kit.echo",
  "kit.fail",
  "kit.wait",
  "kit.release",
] as const;

/** The name of one. */
export type ApplicationMessage = typeof APPLICATION_MESSAGES[number];

/** The profile: all the kit is told of a target. What is left out is asked for, or not judged. */
export interface Offer {
  /** The endpoint; `{port}` stands for a port that the kit finds free. */
  readonly url?: string;
  /** Where `/health` and `/api` are. @default the URL's host */
  readonly rest?: string;
  /** The command that starts the target; `{port}` as in `url`, also told as PORT. */
  readonly start?: string;
  readonly tokens?: TokenOffer;
  /** Whether a request without a credential is let in. @default asked for */
  readonly anonymous?: boolean;
  /** Origins whose pages may connect. @default the URL's own host */
  readonly origins?: readonly string[];
  /** The role of the kit's usual client. @default "anonymous" without tokens */
  readonly role?: string;
  /** The role that sees clients and may broadcast over HTTP. @default "admin" */
  readonly admin_role?: string;
  /** By name, or pattern that ends in `*`; a pattern gives each case a channel of its own. */
  readonly channels?: Readonly<Record<string, ChannelOffer>>;
  readonly application?: readonly ApplicationMessage[];
  /** What stands before the segment of the path to make a room's channel. @default no rooms */
  readonly rooms?: { readonly prefix: string };
  /** Seconds between repeats of what is not acknowledged, and how many there are. @default 5 and 3 */
  readonly acknowledgement?: { readonly interval_seconds?: number; readonly repeats?: number };
  /** Requests for a connection that one address may make in so many seconds. @default not limited */
  readonly requests?: { readonly most: number; readonly seconds: number };
  /** Bytes that may wait for a connection that does not read. @default not known */
  readonly outbox_bytes?: number;
}

/** A profile that cannot be used. */
export class BadProfile extends Error {
  override readonly name = "BadProfile";
}

type Check = (value: unknown, path: string) => void;

const string: Check = (value, path) => {
  if (typeof value !== "string" || value === "") wrong(path, "a string", value);
};
const boolean: Check = (value, path) => {
  if (typeof value !== "boolean") wrong(path, "true or false", value);
};
const number: Check = (value, path) => {
  if (typeof value !== "number" || value < 0) wrong(path, "a number from 0", value);
};
const anything: Check = () => {};
const oneOf = (...choices: readonly string[]): Check => (value, path) => {
  if (!choices.includes(String(value))) wrong(path, choices.join(", "), value);
};
const list = (check: Check): Check => (value, path) => {
  if (!Array.isArray(value)) wrong(path, "a list", value);
  for (const [i, entry] of value.entries()) check(entry, `${path}[${i}]`);
};
const byName = (check: Check): Check => (value, path) => {
  for (const [name, entry] of Object.entries(objectOf(value, path))) {
    check(entry, `${path}.${name}`);
  }
};
const object = (fields: Readonly<Record<string, Check>>): Check => (value, path) => {
  for (const [name, entry] of Object.entries(objectOf(value, path))) {
    const check = fields[name];
    const known = Object.keys(fields).join(", ");
    if (check === undefined) throw new BadProfile(`${path}.${name}: unknown; there are ${known}`);
    check(entry, `${path}.${name}`);
  }
};

const CHANNEL = object({
  permissions: byName(list(oneOf("subscribe", "broadcast"))),
  echo: boolean,
  presence: object({ grace_seconds: number, max_members: number }),
  ack: boolean,
  history: object({ size: number, seconds: number }),
  events: byName(object({ valid: list(anything), invalid: list(anything) })),
  overflow: oneOf("disconnect", "drop-oldest", "conflate"),
});

const PROFILE = object({
  url: string,
  rest: string,
  start: string,
  tokens: object({ secret: string, command: string, roles: byName(string) }),
  anonymous: boolean,
  origins: list(string),
  role: string,
  admin_role: string,
  channels: byName(CHANNEL),
  application: list(oneOf(...APPLICATION_MESSAGES)),
  rooms: object({ prefix: string }),
  acknowledgement: object({ interval_seconds: number, repeats: number }),
  requests: object({ most: number, seconds: number }),
  outbox_bytes: number,
});

/**
 * Reads a profile file.
 *
 * @throws BadProfile that names the field, what stands there and what may
 */
export function parseOffer(text: string): Offer {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new BadProfile(`not JSON: ${error instanceof Error ? error.message : error}`);
  }
  PROFILE(value, "profile");
  const offer = value as Offer;
  for (const [name, channel] of Object.entries(offer.channels ?? {})) {
    if (channel.permissions === undefined) {
      throw new BadProfile(
        `profile.channels.${name}.permissions: missing; roles and their actions`,
      );
    }
  }
  if (offer.tokens !== undefined && Object.keys(offer.tokens).length !== 1) {
    throw new BadProfile("profile.tokens: one of secret, command and roles");
  }
  return offer;
}

function objectOf(value: unknown, path: string): object {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  return wrong(path, "an object", value);
}

function wrong(path: string, allowed: string, found: unknown): never {
  throw new BadProfile(`${path}: must be ${allowed}, not ${JSON.stringify(found)}`);
}
