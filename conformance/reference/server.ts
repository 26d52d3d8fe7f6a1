/**
 * A small strict WebSocket server that echoes, for the tests of the kit. It decides nothing itself:
 * every decision is one of its {@link Rules}.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createServer, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { type Agreement, parseExtensions } from "../wire/deflate.ts";
import { Endpoint } from "./endpoint.ts";
import { BadRequest, readRequest, type Request } from "./request.ts";
import { type Refusal, type Rules, strictRules } from "./rules.ts";

/** A server that listens. */
export interface Reference extends AsyncDisposable {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Starts a server on a free port of the loopback interface.
 *
 * @param overrides rules to replace: what makes it a broken, or an unusual, server
 */
export async function startReference(overrides: Partial<Rules> = {}): Promise<Reference> {
  const rules: Rules = { ...strictRules, ...overrides };
  const sockets = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    accept(socket, rules);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return { url: `ws://127.0.0.1:${port}/`, close, [Symbol.asyncDispose]: close };
}

/** Reads the request, answers it, and hands the rest of the bytes to an {@link Endpoint}. */
function accept(socket: Socket, rules: Rules): void {
  let received = Buffer.alloc(0);
  let endpoint: Endpoint | null = null;
  socket.on("end", () => socket.end());
  socket.on("data", (chunk: Uint8Array) => {
    if (endpoint !== null) return endpoint.receive(chunk);
    received = Buffer.concat([received, chunk]);
    try {
      const found = readRequest(received);
      if (found === undefined) return;
      const answer = answerTo(found.request, rules);
      if ("status" in answer) return refuse(socket, answer);
      socket.write(answer.head);
      endpoint = new Endpoint(socket, rules, answer.agreement);
      endpoint.receive(received.subarray(found.length));
    } catch (error) {
      if (!(error instanceof BadRequest)) throw error;
      refuse(socket, { status: error.status });
    }
  });
}

function answerTo(
  request: Request,
  rules: Rules,
): Refusal | { readonly head: string; readonly agreement: Agreement | null } {
  const checks = [
    rules.checkMethod,
    rules.checkHttpVersion,
    rules.checkHost,
    rules.checkUpgrade,
    rules.checkConnection,
    rules.checkVersion,
    rules.checkKey,
  ];
  for (const check of checks) {
    const refusal = check(request);
    if (refusal !== null) return refusal;
  }
  const header = request.values("sec-websocket-extensions").join(", ");
  const offers = parseExtensions(header);
  if (offers === null) return { status: 400 };
  const extension = rules.chooseExtension(offers);
  const offered = request.values("sec-websocket-protocol").join(",").split(",")
    .map((name) => name.trim()).filter((name) => name !== "");
  const subprotocol = rules.chooseSubprotocol(offered);
  const lines = rules.responseLines([
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${rules.acceptOf(request.values("sec-websocket-key")[0] ?? "")}`,
    ...(subprotocol === null ? [] : [`Sec-WebSocket-Protocol: ${subprotocol}`]),
    ...(extension === null ? [] : [`Sec-WebSocket-Extensions: ${extension.header}`]),
  ]);
  return { head: lines.join("\r\n") + "\r\n\r\n", agreement: extension?.agreement ?? null };
}

function refuse(socket: Socket, { status, headers = {} }: Refusal): void {
  const lines = [`HTTP/1.1 ${status} Refused`, "Connection: close", "Content-Length: 0"];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  socket.end(lines.join("\r\n") + "\r\n\r\n");
}
