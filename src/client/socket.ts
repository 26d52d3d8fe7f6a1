/**
 * Which `WebSocket` a client opens: the one it is given, the runtime's own, or npm's `ws` on Node 20.
 *
 * @module
 */

/** What a client uses of a WebSocket: part of the standard's (WHATWG WebSockets section 3). */
export interface ClientSocket {
  binaryType: string;
  /** 1 while it is open; absent where a socket of another kind does not tell. */
  readonly readyState?: number;
  onmessage: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
}

/** A constructor of WebSockets, as browsers, Deno, Bun and `ws` have it. */
export type ClientSocketConstructor = new (url: string, protocols: string[]) => ClientSocket;

/** The runtime's own `WebSocket`; where it has none, that of `ws`. */
export async function defaultWebSocket(): Promise<ClientSocketConstructor> {
  const own: ClientSocketConstructor | undefined = globalThis.WebSocket;
  return own ?? (await import("ws")).WebSocket;
}
