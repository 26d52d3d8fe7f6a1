import { HeddleError } from "../base/errors.ts";
import type { Position, ServerMessageOf } from "../protocol/messages.ts";
import type { Inbox } from "./inbox.ts";
import type { Link } from "./link.ts";
import type { Positions } from "./positions.ts";
import type { Sender } from "./sender.ts";

/**
 * What a client needs to go on where another left off, in a page that was reloaded say: plain data, to be
 * kept as JSON. The token is a secret. A session is resumed by one client: it is closed in another.
 */
export interface ClientSession {
  /** Names the session to the server. */
  readonly token: string;
  /** The last event that was handed over, by channel. */
  readonly positions: Readonly<Record<string, Position>>;
}

/** How a connection begins. */
export interface Beginning {
  readonly clientId: string;
  /** The server's answer where the former session goes on. */
  readonly resumed?: ServerMessageOf<"resumed">;
}

/** What a session works with. */
export interface SessionParts {
  readonly positions: Positions;
  readonly inbox: Inbox;
  readonly sender: Sender;
}

type Greeting = ServerMessageOf<"connected">;

/** A resumption that waits for its answer. */
interface Resumption {
  readonly greeting: Greeting;
  readonly link: Link;
  readonly begin: (beginning: Beginning) => void;
}

/** What outlives a connection: its token, and the way back with it. */
export class Session {
  readonly #parts: SessionParts;
  #token: string | undefined;
  #clientId: string | undefined;
  #resumption: Resumption | undefined;

  constructor(parts: SessionParts, token?: string) {
    this.#parts = parts;
    this.#token = token;
  }

  /** What goes on elsewhere; undefined where there is no session. */
  get saved(): ClientSession | undefined {
    const token = this.#token;
    return token === undefined ? undefined : { token, positions: this.#parts.positions.all() };
  }

  /** The id of the client whose session it is; undefined where there is none, or it is not known. */
  get clientId(): string | undefined {
    return this.#token === undefined ? undefined : this.#clientId;
  }

  /**
   * The server greeted: goes on with the session there was, or begins one.
   *
   * @param begin Called when it is known which. Nothing but the opening may be sent before.
   */
  greeted(greeting: Greeting, link: Link, begin: (beginning: Beginning) => void): void {
    const { inbox, positions, sender } = this.#parts;
    const token = this.#token;
    if (token === undefined) return this.#begin({ greeting, link, begin });
    const resumption: Resumption = { greeting, link, begin };
    this.#resumption = resumption;
    inbox.hold(greeting.positions);
    sender.ask("resumed", {
      type: "resume",
      reconnection_token: token,
      positions: positions.all(),
    }, { fate: "opening" }).catch((error: unknown) => {
      if (this.#resumption !== resumption) return;
      if (error instanceof HeddleError && error.code === "timeout") {
        // It may still be resumed behind our back, so this connection cannot be used for a new one.
        this.#token = undefined;
        link.fail(error);
      } else this.#begin(resumption);
    });
  }

  /** The server answered to `resume`. It takes effect at once, before what comes next. */
  resumed(message: ServerMessageOf<"resumed">): void {
    const resumption = this.#resumption;
    if (resumption === undefined) return;
    this.#resumption = undefined;
    this.#token = message.reconnection_token;
    this.#clientId = message.client_id;
    resumption.begin({ clientId: message.client_id, resumed: message });
  }

  /** The server is going to close the connection, and says how to come back. */
  disconnected({ reconnection_token }: ServerMessageOf<"disconnected">): void {
    // While the former session may still be resumed, this is about another.
    if (this.#resumption === undefined) this.#token = reconnection_token ?? this.#token;
  }

  /** The connection is gone; the session stays. */
  offline(): void {
    this.#resumption = undefined;
  }

  /** The session is over. */
  end(): void {
    this.#resumption = undefined;
    this.#token = undefined;
    this.#parts.positions.clear();
  }

  #begin({ greeting, begin }: Resumption): void {
    this.#resumption = undefined;
    this.#token = greeting.reconnection_token;
    this.#clientId = greeting.client_id;
    begin({ clientId: greeting.client_id });
  }
}
