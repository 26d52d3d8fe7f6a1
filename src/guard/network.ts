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
  if (!address.includes(":")) return address;
  const [unscoped = ""] = address.toLowerCase().split("%");
  const groups = groupsOf(unscoped);
  if (groups === undefined) return address;
  const [a, b, c, d, e, f, g = 0, h = 0] = groups;
  if (a === 0 && b === 0 && c === 0 && d === 0 && e === 0 && f === 0xffff) {
    return [g >> 8, g & 255, h >> 8, h & 255].join(".");
  }
  return `${[a, b, c, d].map((group) => (group ?? 0).toString(16)).join(":")}::/64`;
}

/** The eight groups of an address, undefined where it is none. */
function groupsOf(address: string): number[] | undefined {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  if (dotted !== null) {
    const [p = 0, q = 0, r = 0, s = 0] = dotted.slice(2).map(Number);
    if (Math.max(p, q, r, s) > 255) return undefined;
    const [high, low] = [p * 256 + q, r * 256 + s].map((group) => group.toString(16));
    return groupsOf(`${dotted[1]}${high}:${low}`);
  }
  const halves = address.split("::");
  if (halves.length > 2) return undefined;
  const [front = [], back = []] = halves.map((half) => half === "" ? [] : half.split(":"));
  const missing = 8 - front.length - back.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...front, ...Array.from({ length: missing }, () => "0"), ...back];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/.test(group))) return undefined;
  return groups.map((group) => parseInt(group, 16));
}
