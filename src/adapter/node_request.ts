import type { IncomingMessage } from "node:http";
import { refuseHost } from "../guard/host.ts";
import { Refusal } from "../guard/refusal.ts";
import type { RequestHead } from "../guard/request_head.ts";

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

/** A target that comes out of a parser as it is. */
const PLAIN_TARGET = /^(?:\/[\w~-]+)+(?:\?[!$-&(-;=?-~]*)?$/;

/** The value of a header field that comes out of `Headers` as it is. */
const PLAIN_VALUE = /^[\x21-\x7e]+(?: [\x21-\x7e]+)*$/;

/**
 * The head of an upgrade request. What a `Request` cannot show is judged here: node:http hands over what
 * it has not judged itself.
 *
 * @throws {Refusal} 400, or 426 where it is older than HTTP/1.1.
 */
export function headOf(incoming: IncomingMessage): RequestHead {
  const { url = "", httpVersionMajor, httpVersionMinor } = incoming;
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
  return isPlain(incoming) ? new PlainHead(incoming) : toRequest(incoming);
}

/** Whether a `Request` would show nothing but what came: then none is made before somebody asks for it. */
function isPlain({ method, url = "", headers, rawHeaders }: IncomingMessage): boolean {
  if (method !== "GET" || !PLAIN_TARGET.test(url)) return false;
  for (let i = 1; i < rawHeaders.length; i += 2) {
    if (!PLAIN_VALUE.test(rawHeaders[i]!)) return false;
  }
  // Of fields that came twice node:http leaves some out, and joins others.
  return Object.keys(headers).length * 2 === rawHeaders.length;
}

class PlainHead implements RequestHead {
  readonly method = "GET";
  readonly url: string;
  readonly #incoming: IncomingMessage;
  #request: Request | undefined;

  /** @throws {Refusal} 400 where its Host names none. */
  constructor(incoming: IncomingMessage) {
    this.url = originOf(incoming.headers.host ?? null) + incoming.url;
    this.#incoming = incoming;
  }

  get headers(): this {
    return this;
  }

  get(name: string): string | null {
    const { headers } = this.#incoming;
    const field = name.toLowerCase();
    // A field called `constructor` is there only where the request has it; `Set-Cookie` is a list of one.
    return Object.hasOwn(headers, field) ? String(headers[field]) : null;
  }

  has(name: string): boolean {
    return this.get(name) !== null;
  }

  whole(): Request {
    // An authenticator and the look-up behind it may know a request again by the object.
    this.#request ??= toRequest(this.#incoming);
    return this.#request;
  }
}

/** The last host that a request was for, and how its address begins: most requests are for the same. */
let last: { readonly host: string | null; readonly origin: string } | undefined;

function originOf(host: string | null): string {
  if (last?.host !== host) {
    const refusal = refuseHost(host);
    if (refusal !== undefined) throw refusal;
    last = { host, origin: new URL(`http://${host}`).origin };
  }
  return last.origin;
}

function toRequest(incoming: IncomingMessage): Request {
  const { method = "GET", rawHeaders } = incoming;
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
