/** A message of a client that peers understand as the hub does. */
interface Message {
  readonly type: "publish" | "ping" | "add";
  readonly data?: unknown;
  readonly payload?: { readonly a: number; readonly b: number };
  readonly correlation_id?: string;
}

/** What a peer is to do with a message: `event` goes to all, `reply` to the sender. */
export type Outcome = { readonly event: unknown } | { readonly reply: string };

/** Reads what a client asks of a peer: `publish`, `ping`, or `add`, which stands for an application's own. */
export function outcomeOf(text: string): Outcome {
  const { type, data, payload, correlation_id } = JSON.parse(text) as Message;
  if (type === "publish") return { event: data };
  const timestamp = new Date().toISOString();
  if (type === "ping") {
    return {
      reply: JSON.stringify({ type: "pong", timestamp, correlation_id }),
    };
  }
  const sum = { sum: payload!.a + payload!.b };
  return {
    reply: JSON.stringify({
      type: "sum",
      payload: sum,
      timestamp,
      correlation_id,
    }),
  };
}
