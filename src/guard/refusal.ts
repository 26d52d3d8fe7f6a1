/**
 * Why a request is refused before the upgrade: an HTTP status, and a body that says it. It is what
 * `hub.identify` throws.
 *
 * @example
 * ```ts
 * import { allowAnonymous, createHub, Refusal } from "heddle";
 *
 * await using hub = createHub({ auth: allowAnonymous() });
 * const request = new Request("http://localhost/mine?token=nobody's");
 * const found = await hub.identify(request).catch((error: unknown) => error);
 * if (!(found instanceof Refusal)) throw new Error("let in");
 * if (found.toResponse().status !== 401) throw new Error(`refused with ${found.status}`);
 * ```
 */
export class Refusal extends Error {
  /** The HTTP status. */
  readonly status: number;
  /** A name that stays, for programs: the body's `error`. */
  readonly error: string;
  /** Header fields of the answer. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    error: string,
    message: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.name = "Refusal";
    this.status = status;
    this.error = error;
    this.headers = headers;
  }

  /** The answer: JSON `{"error", "message"}`. */
  toResponse(): Response {
    const { error, message, status, headers } = this;
    return Response.json({ error, message }, { status, headers });
  }
}

/** Where a request wants no WebSocket, and there is nothing else. */
export function upgradeRequired(): Refusal {
  return new Refusal(426, "upgrade_required", "this is a WebSocket endpoint", {
    Upgrade: "websocket",
  });
}

/** Where there are as many connections as may be. */
export function serverFull(): Refusal {
  return new Refusal(503, "too_many_connections", "the server is full; try again", {
    "Retry-After": "5",
  });
}

/** Where the hub drains. */
export function goingDown(): Refusal {
  return new Refusal(503, "draining", "the server is going down; come back", {
    "Retry-After": "1",
  });
}
