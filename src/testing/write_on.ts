import { Buffer } from "node:buffer";
import { connect } from "node:net";

/** What came of it. */
export interface Written {
  /** All that the server sent. */
  readonly answer: string;
  /** Why the connection failed; undefined where both sides ended it. */
  readonly failed: string | undefined;
}

/** How much of a request is sent when, in bytes. */
export interface Amounts {
  /** With the head. @default 0 */
  readonly before?: number;
  /** Bit by bit, once an answer comes. */
  readonly after: number;
}

/** Sends a request and goes on sending it when it is answered; in chunks, where the head says so. */
export function writeOn(
  port: number,
  head: readonly string[],
  { before = 0, after }: Amounts,
): Promise<Written> {
  const isChunked = head.includes("Transfer-Encoding: chunked");
  const part = (size: number) => {
    const bytes = Buffer.alloc(size, " ");
    return isChunked
      ? Buffer.concat([Buffer.from(`${size.toString(16)}\r\n`), bytes, CRLF])
      : bytes;
  };
  return new Promise((resolve) => {
    // Goes on when the server has ended its side, which it may at once.
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    let answer = "";
    let failed: string | undefined;
    const send = (left: number) => {
      if (left <= 0) return void socket.end(isChunked ? "0\r\n\r\n" : "");
      socket.write(part(20_000), () => setImmediate(send, left - 20_000));
    };
    socket.write([...head, "", ""].join("\r\n"));
    if (before > 0) socket.write(part(before));
    socket.on("data", (chunk) => {
      if (answer === "") send(after);
      answer += String(chunk);
    });
    socket.on("error", ({ message }) => failed = message);
    socket.on("close", () => resolve({ answer, failed }));
  });
}

const CRLF = Buffer.from("\r\n");
