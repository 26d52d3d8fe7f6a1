/**
 * A small strict WebSocket server that echoes, for the tests of the kit. It decides nothing itself:
 * every decision is one of its {@link Rules}.
 *
 * @module
 */
import { createServer, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { Agreement } from "../wire/deflate.ts";
import { Endpoint } from "./endpoint.ts";
import { BadRequest, readRequest, type Request } from "./request.ts";
import { membersOf, type Refusal, type Rules, strictRules } from "./rules.ts";

/** What a server needs to speak TLS, as PEM. */
export interface Credentials {
  readonly key: string;
  readonly cert: string;
}

/** Rules to replace, of all connections or of each anew. */
export type Overrides = Partial<Rules> | (() => Partial<Rules>);

/** A server that listens. */
export interface Reference extends AsyncDisposable {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Starts a server on a free port of the loopback interface.
 *
 * @param overrides rules to replace: what makes it a broken, or an unusual, server; as a function,
 * asked for each connection, for rules that remember what came before
 * @param credentials to serve `wss:`; null for `ws:`
 */
export async function startReference(
  overrides: Overrides = {},
  credentials: Credentials | null = null,
): Promise<Reference> {
  const replaced = typeof overrides === "function" ? overrides : () => overrides;
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
  };
  const onConnection = (socket: Socket) => {
    keep(socket);
    accept(socket, { ...strictRules, ...replaced() }, sockets.size);
  };
  const options = { allowHalfOpen: true, noDelay: true };
  const server: Server = credentials === null
    ? createServer(options, onConnection)
    : createTlsServer({ ...options, ...credentials }, onConnection);
  // Also those whose TLS never comes about.
  if (credentials !== null) server.on("connection", keep);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  const scheme = credentials === null ? "ws" : "wss";
  return { url: `${scheme}://127.0.0.1:${port}/`, close, [Symbol.asyncDispose]: close };
}

/** Reads the request, answers it, and hands the rest of the bytes to an {@link Endpoint}. */
function accept(socket: Socket, rules: Rules, connections: number): void {
  let waiting: Uint8Array = new Uint8Array();
  let endpoint: Endpoint | null = null;
  let refused = false;
  const refuse = (refusal: Refusal) => {
    refused = true;
    const lines = rules.refusalLines(linesOf(refusal));
    if (lines === null) socket.end();
    else socket.end(lines.join("\r\n") + "\r\n\r\n");
  };
  socket.on("end", () => socket.end());
  socket.on("data", (chunk: Uint8Array) => {
    if (endpoint !== null) return endpoint.receive(chunk);
    if (refused) return;
    waiting = rules.gather(waiting, chunk);
    try {
      const found = readRequest(waiting, rules.leniency);
      if (found === undefined) return;
      const answer = rules.checkRoom(connections) ?? answerTo(found.request, rules);
      if ("status" in answer) return refuse(answer);
      socket.write(answer.head);
      endpoint = new Endpoint(socket, rules, answer.agreement);
      endpoint.receive(rules.early(waiting.subarray(found.length)));
    } catch (error) {
      if (!(error instanceof BadRequest)) throw error;
      refuse({ status: error.status });
    }
  });
}

function answerTo(
  request: Request,
  rules: Rules,
): Refusal | { readonly head: string; readonly agreement: Agreement | null } {
  const checks = [
    rules.checkMethod,
    rules.checkTarget,
    rules.checkHttpVersion,
    rules.checkHost,
    rules.checkBody,
    rules.checkUpgrade,
    rules.checkConnection,
    rules.checkVersion,
    rules.checkKey,
    rules.checkSubprotocols,
  ];
  for (const check of checks) {
    const refusal = check(request);
    if (refusal !== null) return refusal;
  }
  const headers = request.values("sec-websocket-extensions");
  const offers = headers.length === 0 ? [] : rules.readOffers(headers.join(", "));
  if (offers === null) return { status: 400 };
  const extension = rules.chooseExtension(offers);
  const subprotocol = rules.chooseSubprotocol(membersOf(request, "sec-websocket-protocol"));
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

function linesOf({ status, headers = {} }: Refusal): string[] {
  // Who sends Upgrade names it in Connection too (RFC 9110 section 7.8).
  const connection = "Upgrade" in headers ? "Connection: close, Upgrade" : "Connection: close";
  const lines = [`HTTP/1.1 ${status} Refused`, connection, "Content-Length: 0"];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  return lines;
}
