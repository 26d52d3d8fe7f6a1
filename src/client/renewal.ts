import type { Clock } from "../base/clock.ts";
import { HeddleError } from "../base/errors.ts";
import type { ServerMessageOf } from "../protocol/messages.ts";
import type { Credentials } from "./credentials.ts";
import type { AuthenticatedInfo, ClientEvents } from "./events.ts";
import type { Listeners } from "./listeners.ts";
import type { RequestOptions } from "./requests.ts";
import type { Sender } from "./sender.ts";

/** What a renewal works with. */
export interface RenewalParts {
  readonly credentials: Credentials;
  readonly sender: Sender;
  readonly listeners: Listeners<ClientEvents>;
  readonly clock: Clock;
}

/** The shortest time between two tokens of one connection, in milliseconds. */
const PAUSE = 1_000;

/** Keeps a connection past the end of its token, by a new one. */
export class Renewal {
  readonly #parts: RenewalParts;
  /** How long the token holds that the connection was given since it was greeted, in seconds. */
  #renewedFor = Infinity;
  #stopTimer: () => void = () => {};

  constructor(parts: RenewalParts) {
    this.#parts = parts;
  }

  /** The token of the connection is about to run out. */
  expiring({ token_expires_in: expiresIn }: ServerMessageOf<"token_expiring">): void {
    const { credentials, listeners, clock } = this.#parts;
    listeners.emit("token_expiring", { expiresIn });
    if (!credentials.isRenewable) return;
    this.#stopTimer();
    if (this.#renewedFor > 2 * expiresIn) return this.#renew();
    // A source of tokens that last hardly longer than the warning must not be asked without end.
    const pause = Math.max(PAUSE, expiresIn * 500);
    this.#stopTimer = clock.after(pause, () => this.#renew());
  }

  /** Gives the server a token, by default the source's next. */
  async authenticate(given?: string, options: RequestOptions = {}): Promise<AuthenticatedInfo> {
    const { credentials, sender } = this.#parts;
    const token = given ?? await credentials.find();
    if (token === undefined || token === "") {
      throw new HeddleError("option_invalid", "there is no token: give one, or the option token");
    }
    const question = { type: "authenticate", token } as const;
    const answer = await sender.ask("authenticated", question, { isUrgent: true, ...options });
    credentials.taken(token);
    return infoOf(answer);
  }

  /** The server took a token. It takes effect at once, before what comes next. */
  authenticated(message: ServerMessageOf<"authenticated">): void {
    this.#renewedFor = message.token_expires_in ?? Infinity;
    this.#parts.listeners.emit("authenticated", infoOf(message));
  }

  #renew(): void {
    this.authenticate().catch((error: unknown) => {
      // That the connection is gone has been told.
      if (error instanceof HeddleError && error.code === "closed") return;
      this.#parts.listeners.report(error);
    });
  }

  /** The connection is gone, and its token with it. */
  offline(): void {
    this.#renewedFor = Infinity;
    this.#stopTimer();
  }
}

function infoOf(message: ServerMessageOf<"authenticated">): AuthenticatedInfo {
  const { user_id: userId, role, token_expires_in: expiresIn } = message;
  return { userId, role, ...(expiresIn === undefined ? {} : { expiresIn }) };
}
