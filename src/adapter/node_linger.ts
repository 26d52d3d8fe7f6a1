import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import { LINGER } from "../http/linger.ts";

/**
 * Has a listener's answers end only when their requests are read. They go out at once; but a connection
 * that is closed with something unread is reset, and the reset takes from the peer the answer that it had
 * not read yet, or that a proxy had not (RFC 9112 section 9.6). The routes see to it themselves where their
 * peer asked for the end; this does for all answers, since half a second after one the listener closes too.
 */
export function lingering(listener: RequestListener): RequestListener {
  return (incoming, outgoing) => {
    if (hasBody(incoming)) endWhenRead(incoming, outgoing);
    return listener(incoming, outgoing);
  };
}

/** Whether more belongs to a request than its head. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

/** Throws away what is still to come from a peer, and calls back once that is all, or too much. */
export function discard(from: Readable, then: () => void): void {
  let [bytes, isOver] = [0, false];
  const over = () => {
    if (isOver) return;
    isOver = true;
    clearTimeout(timer);
    from.off("data", count);
    then();
  };
  const count = (chunk: Uint8Array) => {
    bytes += chunk.byteLength;
    if (bytes > LINGER.bytes) over();
  };
  const timer = setTimeout(over, LINGER.milliseconds);
  timer.unref();
  // Who read it before has given up, and would keep it.
  from.removeAllListeners("data");
  from.on("data", count).once("end", over).once("error", over).once("close", over).resume();
}

function endWhenRead(incoming: IncomingMessage, outgoing: ServerResponse): void {
  const end = outgoing.end.bind(outgoing);
  const write = outgoing.write.bind(outgoing) as (chunk: unknown, ...more: unknown[]) => boolean;
  // What does not come at once is from the routes, which end it when they have read on themselves.
  let isStreamed = false;
  outgoing.write = (chunk: unknown, ...more: unknown[]) => {
    isStreamed = true;
    return write(chunk, ...more);
  };
  outgoing.end = (chunk?: unknown) => {
    if (isStreamed || incoming.complete || incoming.destroyed) return end(chunk);
    if (typeof chunk === "string" || chunk instanceof Uint8Array) write(chunk);
    else outgoing.flushHeaders();
    discard(incoming, () => end());
    return outgoing;
  };
}
