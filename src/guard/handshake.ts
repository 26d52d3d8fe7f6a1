/**
 * The opening handshake, as far as a server has to judge it (RFC 6455 section 4.2).
 *
 * Node's `ws` and Bun look at it too, Deno at little of it; so it is judged here, alike for all.
 *
 * @module
 */
import { SUBPROTOCOL } from "../protocol/messages.ts";
import { isExtensionList, isTokenList, listOf } from "./field_lists.ts";
import { Refusal, upgradeRequired } from "./refusal.ts";
import type { RequestHead } from "./request_head.ts";
import { isTokenSubprotocol } from "./token.ts";

const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/;

/** @throws {Refusal} 405, 426 or 400 where the request cannot be upgraded. */
export function checkHandshake(request: RequestHead): void {
  const { headers, method } = request;
  if (method !== "GET") {
    throw new Refusal(405, "method_not_allowed", "a WebSocket handshake is a GET request", {
      Allow: "GET",
    });
  }
  if (!hasToken(headers.get("upgrade"), "websocket")) {
    throw upgradeRequired();
  }
  if (!hasToken(headers.get("connection"), "upgrade")) {
    throw badHandshake("the Connection header must name Upgrade");
  }
  if (headers.get("sec-websocket-version")?.trim() !== "13") {
    throw new Refusal(426, "unsupported_version", "Sec-WebSocket-Version must be 13", {
      Upgrade: "websocket",
      "Sec-WebSocket-Version": "13",
    });
  }
  if (!KEY.test(headers.get("sec-websocket-key")?.trim() ?? "")) {
    throw badHandshake("Sec-WebSocket-Key must be 16 bytes in base64");
  }
  const subprotocols = headers.get("sec-websocket-protocol");
  if (subprotocols !== null && !isTokenList(subprotocols)) {
    throw badHandshake("Sec-WebSocket-Protocol must be a list of tokens");
  }
  // None is accepted; what is malformed must be refused all the same (section 9.1).
  const extensions = headers.get("sec-websocket-extensions");
  if (extensions !== null && !isExtensionList(extensions)) {
    throw badHandshake('Sec-WebSocket-Extensions must be a list like "name; parameter=value"');
  }
  // What comes behind the head would be taken for frames.
  if (headers.has("transfer-encoding") || !/^0*$/.test(headers.get("content-length") ?? "")) {
    throw badHandshake("a WebSocket handshake has no body");
  }
}

/**
 * Chooses one of the subprotocols a client offers, or none: never one it did not offer (RFC 6455
 * section 4.2.2). Browsers that put a token among them need one to be chosen: `jwt-auth` beside it, or
 * the token itself where nothing else was offered.
 */
export function selectSubprotocol(request: RequestHead): string | undefined {
  const offered = listOf(request.headers.get("sec-websocket-protocol"));
  if (offered.includes(SUBPROTOCOL)) return SUBPROTOCOL;
  if (offered.includes("jwt-auth")) return "jwt-auth";
  return offered.length === 1 && isTokenSubprotocol(offered[0]!) ? offered[0] : undefined;
}

function badHandshake(message: string): Refusal {
  return new Refusal(400, "bad_handshake", message);
}

function hasToken(header: string | null, token: string): boolean {
  return header?.toLowerCase() === token ||
    listOf(header).some((entry) => entry.toLowerCase() === token);
}
