import { Refusal } from "./refusal.ts";

/** A name or an address, and a port (RFC 9110 section 7.2). With a comma it would be two. */
const HOST = /^(?:\[[\da-f:.]+\]|[\w.~%-]+)(?::\d*)?$/i;

/**
 * Judges the Host of a request as it came over the network (RFC 9112 section 3.2). Only an adapter can
 * do that: a `Request` that was made otherwise has none.
 *
 * @param host the field, null where there is none; several Hosts come joined by a comma
 * @returns 400 where there is none, or several, or one that names no host.
 */
export function refuseHost(host: string | null): Refusal | undefined {
  if (host !== null && HOST.test(host) && URL.canParse(`http://${host}`)) return undefined;
  return new Refusal(
    400,
    "bad_handshake",
    "a request must have one Host field, which names a host",
  );
}
