/** Why a request is refused before the upgrade: an HTTP status, and a body that says it. */
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
