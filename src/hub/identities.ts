import { HeddleError } from "../base/errors.ts";
import { checkNames } from "../base/option_checks.ts";
import { checkRole, type Identity } from "../guard/identity.ts";
import { Refusal } from "../guard/refusal.ts";
import { withToken } from "../guard/renewal.ts";
import type { CloseName } from "../protocol/close.ts";
import { type Failure, failure } from "../protocol/errors.ts";
import type { Outcome } from "../session/effect.ts";
import { roleRefusal } from "./access.ts";
import { identify } from "./admission.ts";
import type { Connection } from "./connection.ts";
import type { Roster } from "./roster.ts";
import type { Workings } from "./workings.ts";

/** What is good no more: all that a user has, or one token. */
export type Revocation =
  /** The user is banned. */
  | { readonly userId: string }
  /** The token with this claim `jti`, whoever has it. */
  | { readonly tokenId: string };

/** A user is in another role. */
interface RoleChange {
  readonly userId: string;
  readonly role: string;
}

/** For how long those who were being let in when it came are held against a change, and how many. */
const MEMORY = 60_000;
const MAX_REMEMBERED = 1_000;

interface Remembered {
  readonly change: Revocation | RoleChange;
  readonly number: number;
  /** In monotonic milliseconds. */
  readonly at: number;
}

/** Where a connection came by other means than a request. */
const NO_REQUEST = { url: "http://localhost/", headers: {} };

/** Who connections are, while they live: by new tokens, in other roles, and until they are revoked. */
export class Identities {
  readonly #workings: Workings;
  readonly #roster: Roster;
  readonly #remembered: Remembered[] = [];
  #changes = 0;

  constructor(workings: Workings, roster: Roster) {
    this.#workings = workings;
    this.#roster = roster;
  }

  /** How many revocations and changes of role there were. */
  get changes(): number {
    return this.#changes;
  }

  /** Finds out who a token is that came on a connection, by the rule by which it was let in. */
  async authenticate(connection: Connection, token: string): Promise<Identity | Failure> {
    const { auth, logger } = this.#workings.options;
    const before = this.#changes;
    try {
      const request = withToken(connection.request ?? NO_REQUEST, token);
      const identity = await identify(request, auth, logger);
      if (identity.userId !== connection.userId) {
        return failure("forbidden", "the token is another user's: connect with it");
      }
      if (this.revokedSince(before, identity) !== undefined) {
        return failure("unauthorized", "the token was revoked");
      }
      return { ...identity, role: this.roleSince(before, identity) };
    } catch (error) {
      return failureOf(error);
    }
  }

  /** Gives a connection the identity that was found for it. */
  assume(connection: Connection, found: Identity | Failure): Outcome {
    if ("code" in found) return { kind: "failed", failure: found };
    const { userId, role, expiresAt } = found;
    connection.renew(found);
    const left = (expiresAt ?? 0) - this.#workings.options.clock.wall() / 1000;
    return {
      kind: "authenticated",
      userId,
      role,
      ...(expiresAt === undefined ? {} : { expiresIn: Math.max(0, Math.round(left)) }),
      lost: this.#lost(connection),
    };
  }

  /** Puts a user's connections into another role. Gives how many there are. */
  setRole(userId: string, role: string): number {
    checkId("userId", userId);
    checkRole("role", role);
    this.#remember({ userId, role });
    const connections = [...this.#roster.ofUser(userId)].filter(({ isOpen }) => isOpen);
    for (const connection of connections) {
      connection.assumeRole(role);
      const { channels, reason } = this.#lost(connection);
      connection.revoke(channels, reason);
    }
    return connections.length;
  }

  /** Ends the connections that a revocation is about. Gives how many. */
  revoke(revocation: Revocation): number {
    checkRevocation(revocation);
    this.#remember(revocation);
    const connections = "userId" in revocation
      ? [...this.#roster.ofUser(revocation.userId)]
      : [...this.#roster].filter(({ identity }) => isAbout(revocation, identity));
    const open = connections.filter(({ isOpen }) => isOpen);
    for (const connection of open) connection.close(closeNameOf(revocation));
    return open.length;
  }

  /**
   * How to close a connection whose identity was revoked while it was looked up; undefined if it was not.
   *
   * @param before How many changes there had been then.
   */
  revokedSince(before: number, identity: Identity): CloseName | undefined {
    for (const { number, change } of this.#remembered) {
      if (number <= before || "role" in change) continue;
      if (isAbout(change, identity)) return closeNameOf(change);
    }
    return undefined;
  }

  /** The role of an identity, or the one that its user was put into while it was looked up. */
  roleSince(before: number, { userId, role }: Identity): string {
    const last = this.#remembered.findLast(({ number, change }) =>
      number > before && "role" in change && change.userId === userId
    );
    return last === undefined ? role : (last.change as RoleChange).role;
  }

  #remember(change: Remembered["change"]): void {
    const now = this.#workings.options.clock.now();
    const remembered = this.#remembered;
    const isOver = () => remembered.length >= MAX_REMEMBERED || remembered[0]!.at < now - MEMORY;
    while (remembered.length > 0 && isOver()) remembered.shift();
    remembered.push({ change, number: ++this.#changes, at: now });
  }

  #lost(
    connection: Connection,
  ): { readonly channels: readonly string[]; readonly reason: Failure } {
    const { role } = connection.identity;
    const { registry } = this.#workings;
    const channels = [...connection.subscriptions].filter((channel) => {
      return roleRefusal(registry, channel, role) !== undefined;
    });
    const reason = failure("forbidden", `the role "${role}" may not subscribe to this`);
    return { channels, reason };
  }
}

function isAbout(revocation: Revocation, { userId, claims }: Identity): boolean {
  if ("userId" in revocation) return revocation.userId === userId;
  return Object.hasOwn(claims, "jti") && claims["jti"] === revocation.tokenId;
}

/** Clients without a user have none to be banned by, and tokens without an id none to be revoked by. */
function checkRevocation(revocation: Revocation): void {
  checkNames("revoke", revocation, ["userId", "tokenId"]);
  if ("userId" in revocation && "tokenId" in revocation) {
    throw new HeddleError("option_invalid", "revoke takes one of userId and tokenId");
  }
  if ("userId" in revocation) checkId("userId", revocation.userId);
  else checkId("tokenId", revocation.tokenId);
}

function checkId(name: string, id: unknown): void {
  if (typeof id === "string" && id !== "") return;
  throw new HeddleError("option_invalid", `${name} must be a non-empty string`);
}

/** Who is banned need not come back; with another token one may. */
function closeNameOf(revocation: Revocation): CloseName {
  return "userId" in revocation ? "banned" : "token_expired";
}

/** What a refusal of the handshake is on a connection. */
function failureOf(error: unknown): Failure {
  if (error instanceof HeddleError) return failure("unauthorized", error.message);
  if (!(error instanceof Refusal) || error.status !== 401) {
    const message = "the token cannot be checked now; try again";
    return { ...failure("internal", message), retryAfter: 5 };
  }
  const code = error.error === "token_expired" ? "token_expired" : "unauthorized";
  return failure(code, error.message);
}
