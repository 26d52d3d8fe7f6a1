import { connect } from "node:net";

/** What came of it. */
export interface Written {
  /** All that the server sent. */
  readonly answer: string;
  /** Why the connection failed; undefined where both sides ended it. */
  readonly failed: string | undefined;
}

/** Sends the head of a request, and only when an answer comes a body of `size` bytes, bit by bit. */
export function writeOn(port: number, head: readonly string[], size: number): Promise<Written> {
  return new Promise((resolve) => {
    // Goes on when the server has ended its side, which it may at once.
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    let answer = "";
    let failed: string | undefined;
    const send = (left: number) => {
      if (left <= 0) return void socket.end();
      socket.write(new Uint8Array(20_000), () => setImmediate(send, left - 20_000));
    };
    socket.write([...head, "", ""].join("\r\n"));
    socket.on("data", (chunk) => {
      if (answer === "") send(size);
      answer += String(chunk);
    });
    socket.on("error", ({ message }) => failed = message);
    socket.on("close", () => resolve({ answer, failed }));
  });
}
