/**
 * Ports for programs that are started, and whether one has come to listen.
 *
 * @module
 */
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { connect, createServer } from "node:net";

/** Below the ports that systems give out by themselves: another program could be given it meanwhile. */
const PORTS = { from: 20_000, to: 32_000 } as const;

/** A port of the loopback interface where nothing listens. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(PORTS.from, PORTS.to);
    const server = createServer();
    try {
      server.listen(port, "127.0.0.1");
      await once(server, "listening");
      return port;
    } catch {
      // Taken.
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  }
}

/** Whether a TCP connection is to be had. */
export function listens(port: number, host = "127.0.0.1"): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    const tell = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => tell(true));
    socket.once("error", () => tell(false));
  });
}
