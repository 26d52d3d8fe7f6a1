import ipaddr from "ipaddr.js";

/**
 * The network that an address is counted by: who has one IPv6 address has 2^64 of them (RFC 6177), so
 * these are counted by their first 64 bits; an IPv4 address is counted by itself, also where it is
 * written as one of IPv6 (RFC 4291 section 2.5.5.2).
 *
 * @param address An IP address as text. Anything else is given back as it is.
 *
 * @example
 * ```ts
 * import { networkOf } from "heddle";
 *
 * const networks = ["192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1", "2001:DB8:0:0:5::2"].map(networkOf);
 * if (networks.join() !== "192.0.2.1,192.0.2.1,2001:db8:0:0::/64,2001:db8:0:0::/64") {
 *   throw new Error(networks.join());
 * }
 * ```
 */
export function networkOf(address: string): string {
  if (!address.includes(":") || !ipaddr.IPv6.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  if (!(parsed instanceof ipaddr.IPv6)) return parsed.toString();
  return `${parsed.parts.slice(0, 4).map((part) => part.toString(16)).join(":")}::/64`;
}
