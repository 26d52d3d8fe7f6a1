/**
 * Who a request really comes from, where proxies stand in front.
 *
 * @module
 */
import ipaddr from "ipaddr.js";
import { HeddleError } from "../base/errors.ts";
import { checkNames } from "../base/option_checks.ts";
import { type ForwardedElement, parseForwarded } from "./forwarded.ts";
import type { Target } from "./origin.ts";
import type { RequestHead } from "./request_head.ts";

/** Which proxies stand in front, and what they tell. */
export interface ProxyOptions {
  /** Their addresses and ranges: `10.0.0.5`, `10.0.0.0/8`, `fd00::/8`. @default none */
  readonly trusted: readonly string[];
  /**
   * The header field that they write, where the other is the client's own doing.
   *
   * @default whichever there is; where both are and they tell different addresses, neither is believed
   */
  readonly header?: "x-forwarded-for" | "forwarded" | undefined;
}

/** Where a request comes from, and what it was sent to. */
export interface Source extends Target {
  /** The client's address: IPv4 also where the socket has it mapped to IPv6. */
  readonly address: string;
}

const OCTET = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
/** An IPv4 address in its usual form, as most are that come from a socket. */
const IPV4 = new RegExp(`^(?:${OCTET}\\.){3}${OCTET}$`);

type Range = readonly [ipaddr.IPv4 | ipaddr.IPv6, number];
type Hop = Omit<ForwardedElement, "for"> & { readonly address: string | undefined };

/**
 * Finds the client of a request behind proxies: the rightmost hop that is none of them (RFC 7239
 * section 7.4). A request that does not come from a proxy is its sender's, whatever its header fields say.
 *
 * @example
 * ```ts
 * import { Proxies } from "./proxies.ts";
 *
 * const proxies = new Proxies({ trusted: ["10.0.0.0/8"] });
 * const headers = { "X-Forwarded-For": "1.1.1.1, 203.0.113.7, 10.0.0.9" };
 * const request = new Request("http://localhost/ws", { headers });
 * if (proxies.locate(request, "10.0.0.5").address !== "203.0.113.7") throw new Error("not found");
 * if (proxies.locate(request, "192.0.2.1").address !== "192.0.2.1") throw new Error("believed");
 * ```
 */
export class Proxies {
  readonly #ranges: readonly Range[];
  readonly #header: ProxyOptions["header"];

  /** @throws {HeddleError} `option_invalid`, naming the entry that is no address. */
  constructor(options: ProxyOptions = { trusted: [] }) {
    checkNames("proxies", options, ["trusted", "header"]);
    const { trusted, header } = options;
    if (!Array.isArray(trusted)) throw invalid("trusted must be a list of addresses and ranges");
    if (header !== undefined && header !== "x-forwarded-for" && header !== "forwarded") {
      throw invalid(`header is "${header}"; it must be "x-forwarded-for" or "forwarded"`);
    }
    this.#ranges = trusted.map(parseRange);
    this.#header = header;
  }

  /** @param peer The address at the other end of the socket; "" where it has none. */
  locate(request: RequestHead, peer: string): Source {
    const { headers } = request;
    const { url } = request;
    const direct: Source = {
      address: parseAddress(peer) ?? peer,
      host: headers.get("host") ?? new URL(url).host,
      ...(url.startsWith("https:") ? { scheme: "https" } : {}),
    };
    if (!this.#trusts(direct.address)) return direct;
    const listed = this.#header === "forwarded" ? null : headers.get("x-forwarded-for");
    const elements = this.#header === "x-forwarded-for" ? null : headers.get("forwarded");
    const byList = listed === null ? undefined : this.#walk(direct, hopsOf(listed));
    const byElements = elements === null
      ? undefined
      : this.#walk(direct, parseForwarded(elements)?.map(toHop) ?? []);
    if (byList !== undefined && byElements !== undefined && byList.address !== byElements.address) {
      return direct;
    }
    // The fields that go with X-Forwarded-For are as little the proxy's as that is.
    if (this.#header === "forwarded") return byElements ?? direct;
    if (byElements !== undefined && byList === undefined) return byElements;
    return { ...byList ?? direct, ...targetOf(headers) };
  }

  #trusts(address: string): boolean {
    if (this.#ranges.length === 0 || parseAddress(address) === undefined) return false;
    const parsed = ipaddr.process(address);
    return this.#ranges.some(([range, bits]) =>
      range.kind() === parsed.kind() && parsed.match(range as never, bits)
    );
  }

  /** From the server outwards, while each hop is a proxy that can be believed about the next. */
  #walk(direct: Source, hops: readonly Hop[]): Source {
    let source = direct;
    for (let i = hops.length - 1; i >= 0 && this.#trusts(source.address); i--) {
      const { address, host, scheme } = hops[i]!;
      if (address === undefined) break;
      source = {
        address,
        host: host ?? direct.host,
        ...(scheme === undefined ? {} : { scheme }),
      };
    }
    return source;
  }
}

/**
 * An IP address in its usual form, without a port, a zone or IPv6 around IPv4; undefined for what is no
 * address. Numbers in octal or hexadecimal, and fewer than four of them, are none.
 */
export function parseAddress(text: string): string | undefined {
  if (IPV4.test(text)) return text;
  const bare = /^(\d{1,3}(?:\.\d{1,3}){3})(?::\d{1,5})?$/.exec(text)?.[1] ??
    /^\[([0-9a-f:.]{2,45})\](?::\d{1,5})?$/i.exec(text)?.[1] ?? text.replace(/%.*$/, "");
  if (bare.length > 45) return undefined;
  const isAddress = ipaddr.IPv4.isValidFourPartDecimal(bare) || ipaddr.IPv6.isValid(bare);
  return isAddress ? ipaddr.process(bare).toString() : undefined;
}

function parseRange(text: string): Range {
  try {
    if (!text.includes("/")) {
      const address = ipaddr.process(parseAddress(text)!);
      return [address, address.kind() === "ipv4" ? 32 : 128];
    }
    const [address, bits] = ipaddr.parseCIDR(text);
    if (parseAddress(text.split("/")[0]!) === undefined) throw invalid("");
    if (!(address instanceof ipaddr.IPv6) || !address.isIPv4MappedAddress()) return [address, bits];
    if (bits >= 96) return [address.toIPv4Address(), bits - 96];
  } catch {
    // Told below.
  }
  throw invalid(`${JSON.stringify(text)} is no address or range, such as 10.0.0.5 or 10.0.0.0/8`);
}

function hopsOf(list: string): readonly Hop[] {
  return list.split(",").map((entry) => ({ address: parseAddress(entry.trim()) }));
}

function toHop({ for: node, ...rest }: ForwardedElement): Hop {
  return { ...rest, address: node === undefined ? undefined : parseAddress(node) };
}

/** What the nearest proxies say the request was sent to; a list of several is nobody's word. */
function targetOf(headers: RequestHead["headers"]): Partial<Target> {
  const host = headers.get("x-forwarded-host")?.trim();
  const scheme = headers.get("x-forwarded-proto")?.trim().toLowerCase();
  return {
    ...(host === undefined || host === "" || host.includes(",") ? {} : { host }),
    ...(scheme === "http" || scheme === "https" ? { scheme } : {}),
  };
}

function invalid(message: string): HeddleError {
  return new HeddleError("option_invalid", `proxies: ${message}`);
}
