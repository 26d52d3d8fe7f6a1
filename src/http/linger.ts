import type { MiddlewareHandler } from "hono";
import { listOf } from "../guard/field_lists.ts";

/** How long and how much is read and thrown away of what a peer still sends past its answer. */
export const LINGER = { milliseconds: 5_000, bytes: 16_777_216 } as const;

/** Whether the connection is closed once the request is answered, as far as a request can tell. */
export function closesAfter({ headers }: Request): boolean {
  return listOf(headers.get("connection")).some((token) => token.toLowerCase() === "close");
}

/** Has what the routes behind it answer end only when their requests are read. */
export const lingers: MiddlewareHandler = async (c, next) => {
  await next();
  const response = await lingering(c.req.raw, c.res);
  if (response !== c.res) c.res = response;
};

/**
 * Has the answer to a request that wants the connection closed end only when the request is read. It goes
 * out at once; but Bun and Node close with the rest unread, and the reset that follows takes from the peer
 * an answer that it, or a proxy, had not read yet (RFC 9112 section 9.6).
 *
 * Where the connection stays, they read the rest themselves: Node's listener for half a second only, unless
 * the application tells it otherwise. That is not made longer here, since what does so holds back the end of
 * the answer, and peers that pause would wait for that: Bun tells nobody the length of a stream.
 */
export async function lingering(request: Request, response: Response): Promise<Response> {
  if (!closesAfter(request)) return response;
  const { body } = request;
  if (body === null || body.locked || response.body === null) return response;
  const answer = new Uint8Array(await response.arrayBuffer());
  const stream = new ReadableStream<Uint8Array>({
    async start(controller) {
      controller.enqueue(answer);
      await discard(body);
      controller.close();
    },
  });
  const whole = new Response(stream, response);
  // So that the peer has it all before the stream ends; Bun does not send this.
  whole.headers.set("Content-Length", String(answer.byteLength));
  return whole;
}

/** Reads to the end, or until it takes too long or is too much. */
async function discard(body: ReadableStream<Uint8Array>): Promise<void> {
  const reader = body.getReader();
  const giveUp = () => void reader.cancel().catch(() => {});
  const timer = setTimeout(giveUp, LINGER.milliseconds);
  try {
    for (let bytes = 0; bytes < LINGER.bytes;) {
      const { done, value } = await reader.read();
      if (done) return;
      bytes += value.byteLength;
    }
    giveUp();
  } catch {
    // The peer has gone, and reads no answer either.
  } finally {
    clearTimeout(timer);
  }
}
