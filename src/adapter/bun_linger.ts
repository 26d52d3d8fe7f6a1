import { LINGER } from "./server.ts";

/**
 * Has the answer to a request that wants the connection closed end only when the request is read. It goes
 * out at once; but Bun closes with the rest unread, and the reset that follows takes from the peer an
 * answer that it had not read yet (RFC 9112 section 9.6). Where the connection stays, Bun reads the rest.
 */
export function lingering(request: Request, response: Response): Response {
  const [body, answer] = [request.body, response.body];
  if (body === null || body.locked || answer === null) return response;
  if (request.headers.get("connection")?.toLowerCase().includes("close") !== true) return response;
  return new Response(
    new ReadableStream<Uint8Array>({
      async start(controller) {
        for await (const chunk of answer) controller.enqueue(chunk);
        await discard(body);
        controller.close();
      },
    }),
    response,
  );
}

/** Reads to the end, or until it takes too long or is too much. */
async function discard(body: ReadableStream<Uint8Array>): Promise<void> {
  const reader = body.getReader();
  const timer = setTimeout(() => void reader.cancel().catch(() => {}), LINGER.milliseconds);
  try {
    for (let bytes = 0; bytes < LINGER.bytes;) {
      const { done, value } = await reader.read();
      if (done) return;
      bytes += value.byteLength;
    }
  } catch {
    // The peer has gone, and reads no answer either.
  } finally {
    clearTimeout(timer);
  }
}
