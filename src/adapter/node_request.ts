import type { IncomingMessage } from "node:http";
import { refuseHost } from "../guard/host.ts";
import { Refusal } from "../guard/refusal.ts";

/** A path that has nothing to be decoded or resolved, before a query or the end. */
const PLAIN_PATH = /^(?:\/[\w~-]+)+(?=\?|$)/;

/** The path that a request asks for; undefined where its target is neither a path nor an address. */
export function pathOf(incoming: IncomingMessage): string | undefined {
  // Most are as they would come out of a parser.
  const plain = PLAIN_PATH.exec(incoming.url ?? "");
  if (plain !== null) return plain[0];
  // Only the path counts here, whatever host the request names.
  const target = targetOf(incoming, "localhost");
  return URL.canParse(target) ? new URL(target).pathname : undefined;
}

/**
 * Makes a `Request` of an upgrade request. What a `Request` cannot show is judged here: node:http
 * hands over what it has not judged itself.
 *
 * @throws {Refusal} 400, or 426 where it is older than HTTP/1.1.
 */
export function toRequest(incoming: IncomingMessage): Request {
  const { url = "", method = "GET", rawHeaders, httpVersionMajor, httpVersionMinor } = incoming;
  // There is no upgrade in HTTP/1.0: the field is passed over (RFC 9110 section 7.8).
  if (httpVersionMajor < 1 || httpVersionMajor === 1 && httpVersionMinor < 1) {
    throw new Refusal(426, "upgrade_required", "a WebSocket handshake is a request of HTTP/1.1", {
      Upgrade: "websocket",
    });
  }
  if (/[#\\]/.test(url)) {
    throw new Refusal(
      400,
      "bad_handshake",
      "the request target has a character that none may have",
    );
  }
  const hosts: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    if (name.length === 4 && name.toLowerCase() === "host") hosts.push(rawHeaders[i + 1]!);
  }
  const host = hosts.join(", ");
  const refusal = refuseHost(hosts.length === 0 ? null : host);
  if (refusal !== undefined) throw refusal;
  const request = new Request(targetOf(incoming, host), { method });
  // Given to the constructor, each would be copied twice more.
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    request.headers.append(rawHeaders[i]!, rawHeaders[i + 1]!);
  }
  return request;
}

function targetOf({ url = "" }: IncomingMessage, host: string): string {
  return url.startsWith("/") ? `http://${host}${url}` : url;
}
