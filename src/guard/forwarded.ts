/** One hop, as the proxy that took it over tells of it (RFC 7239 section 5). */
export interface ForwardedElement {
  /** Who sent the request to the proxy: an address, maybe with a port, `unknown`, or a made-up `_name`. */
  readonly for?: string;
  /** The Host that it named. */
  readonly host?: string;
  /** How it came. */
  readonly scheme?: "http" | "https";
}

// An address with a colon should stand in quotes, and often does not.
const PAIR =
  /[\t ]*([\w!#$%&'*+.^`|~-]+)=(?:([\w!#$%&'*+.^`|~:[\]-]+)|"((?:[^"\\]|\\.)*)")[\t ]*(;|,|$)/y;

/**
 * Reads the header field `Forwarded` (RFC 7239 section 4), the nearest hop last.
 *
 * @returns Undefined where it is malformed.
 */
export function parseForwarded(field: string): readonly ForwardedElement[] | undefined {
  const elements: ForwardedElement[] = [];
  let pairs = new Map<string, string>();
  PAIR.lastIndex = 0;
  for (;;) {
    const match = PAIR.exec(field);
    if (match === null) return undefined;
    const [, name = "", token, quoted = "", separator] = match;
    const key = name.toLowerCase();
    // Each parameter occurs once an element.
    if (pairs.has(key)) return undefined;
    pairs.set(key, token ?? quoted.replace(/\\(.)/g, "$1"));
    if (separator === ";") continue;
    elements.push(toElement(pairs));
    if (separator === "") return elements;
    pairs = new Map();
  }
}

function toElement(pairs: ReadonlyMap<string, string>): ForwardedElement {
  const [node, host, proto] = [pairs.get("for"), pairs.get("host"), pairs.get("proto")];
  const scheme = proto?.toLowerCase();
  return {
    ...(node === undefined ? {} : { for: node }),
    ...(host === undefined ? {} : { host }),
    ...(scheme === "http" || scheme === "https" ? { scheme } : {}),
  };
}
