/**
 * Bare sockets on this machine, beside which a target is measured: what the machine, the runtime and
 * the kit itself take, a server apart.
 *
 * @module
 */
import type { AddressInfo } from "node:net";
import { Worker } from "node:worker_threads";
import { readAnswer } from "../peer/handshake.ts";
import { bytesOf } from "../wire/bytes.ts";
import { acceptOf, encodeRequest, keyOf } from "../wire/handshake.ts";
import { type Target, targetOf, Wire } from "../wire/socket.ts";

/** What is done with what comes: see `bare_server.js`. */
export type Manner = "echo" | "hear" | "tell" | "keep" | "past";

/** How long anything that has to do with it may take, in milliseconds. */
const TIMEOUT = 10_000;

/** What it is given first: a target has had all the cases. */
const WARM_UP = { connections: 200, trips: 10 } as const;

const KEY = keyOf(bytesOf("sixteen bytes of"));

/** The answer to every request; it is even a right one, all requests having the same key. */
const ANSWER = [
  "HTTP/1.1 101 Switching Protocols",
  "Upgrade: websocket",
  "Connection: Upgrade",
  `Sec-WebSocket-Accept: ${acceptOf(KEY)}`,
].join("\r\n") + "\r\n\r\n";

/** A thread of its own with a server of nothing but sockets. */
export class Bare {
  readonly #worker: Worker;
  readonly #port: number;

  private constructor(worker: Worker, port: number) {
    this.#worker = worker;
    this.#port = port;
  }

  /** Starts one on a free port of the loopback interface. @throws Error that says why it cannot be */
  static async start(): Promise<Bare> {
    const worker = new Worker(new URL("./bare_server.js", import.meta.url), {
      workerData: { answer: ANSWER },
    });
    // What breaks there later is seen by whoever waits for its bytes.
    worker.on("error", () => {});
    try {
      const port = await new Promise<number>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error("it does not start")), TIMEOUT);
        worker.once("message", ({ port }: AddressInfo) => {
          clearTimeout(timer);
          resolve(port);
        });
        worker.once("error", (error: Error) => {
          clearTimeout(timer);
          reject(error);
        });
      });
      const bare = new Bare(worker, port);
      for (let i = 0; i < WARM_UP.connections; i++) await bare.#warmUp();
      return bare;
    } catch (error) {
      await worker.terminate();
      throw error;
    }
  }

  async #warmUp(): Promise<void> {
    const wire = await this.connect("echo");
    for (let trip = 0; trip < WARM_UP.trips; trip++) {
      wire.write(Uint8Array.of(trip));
      await wire.waitFor("its echo", () => wire.peek().length > 0 ? wire.take(1) : undefined);
    }
    wire.abandon();
  }

  /** TCP and the opening handshake. */
  async connect(manner: Manner): Promise<Wire> {
    const target: Target = targetOf(`ws://127.0.0.1:${this.#port}/${manner}`);
    const wire = await Wire.connect(target, { timeout: TIMEOUT });
    wire.write(encodeRequest(target, KEY));
    await readAnswer(wire);
    return wire;
  }

  /** Ends it, and so all its connections. */
  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}
