/**
 * Families of cases of the opening handshake: requests that differ from an honest one in one thing,
 * and what must come of each.
 *
 * @module
 */
import type { Case, Requirement } from "../case.ts";
import { Skipped } from "../peer/finding.ts";
import type { Handshake } from "../peer/handshake.ts";
import type { Peer } from "../peer/peer.ts";
import type { RequestSpec } from "../wire/handshake.ts";

/** One way in which a request differs from an honest one. */
export interface Variant {
  /** What is sent, as the subject of a sentence: `a key of 15 bytes`. */
  readonly what: string;
  readonly request: RequestSpec;
}

/** Variants by the name that their case's id ends in. */
export type Variants = Readonly<Record<string, Variant>>;

/** The sentence that every handshake is refused by whose form is not as section 4.2.1 has it. */
export const NOT_AS_DESCRIBED =
  "If the server, while reading the handshake, finds that the client did not send a handshake that " +
  "matches the description below (note that as per [RFC2616], the order of the header fields is not " +
  "important), including but not limited to any violations of the ABNF " +
  "grammar specified for the components of the handshake, the server MUST stop processing the " +
  "client's handshake and return an HTTP response with an appropriate error code (such as 400 Bad " +
  "Request).";

/** What becomes of blanks before and after the value of a header field (RFC 9110 section 5.5). */
export const EXCLUDES_BLANKS =
  "A field value does not include leading or trailing whitespace. When a specific version of HTTP " +
  "allows such whitespace to appear in a message, a field parsing implementation MUST exclude such " +
  "whitespace prior to evaluating the field value.";

/**
 * Handshakes that must not be accepted. A server that drops the connection without an answer keeps
 * that too: "when the endpoint sees an opening handshake that does not correspond to the values it is
 * expecting …, the endpoint MAY drop the TCP connection" (RFC 6455 section 10.7).
 *
 * @param statuses those that fit @default any of 4xx and 5xx
 */
export function refused(
  requirement: Requirement,
  variants: Variants,
  statuses: readonly number[] = [],
): Case[] {
  return family(requirement, variants, "is refused", (handshake) => {
    handshake.expectRefused(statuses, { silent: true });
  });
}

/**
 * Requests that ask for no upgrade: whatever they get, it is no 101. That there is an answer at all is a
 * demand of RFC 6455 (4.2.1), and not of the sentences of HTTP that say what is not to be done.
 */
export function notSwitched(requirement: Requirement, variants: Variants): Case[] {
  return family(requirement, variants, "switches no protocol", (handshake) => {
    const { awaited, observed } = handshake;
    if (awaited !== null && requirement.spec !== "RFC 6455") {
      throw new Skipped(`nothing tells what became of the request: ${observed}`, awaited);
    }
    handshake.expectNotSwitched();
  });
}

/** Handshakes that are as good as an honest one. */
export function accepted(requirement: Requirement, variants: Variants): Case[] {
  return family(requirement, variants, "is accepted", (handshake) => {
    handshake.expectAccepted();
  });
}

/** Handshakes that a server may accept or refuse, with one of `statuses` where some are named. */
export function decided(
  requirement: Requirement,
  variants: Variants,
  statuses: readonly number[] = [],
): Case[] {
  return family(requirement, variants, "is accepted or refused", (handshake) => {
    handshake.expectDecided(statuses, { silent: true });
  });
}

/** A handshake with this key, written into its header field as `written`. */
export async function handshakeWith(peer: Peer, key: string, written = key): Promise<Handshake> {
  const wire = await peer.open();
  wire.write(peer.request(key, { headers: { "Sec-WebSocket-Key": written } }));
  return await peer.answer(wire, key);
}

/** The front of an id: specification and section. */
export function prefixOf({ spec, section }: Requirement): string {
  return `${spec.toLowerCase().replace(" ", "")}/${section}`;
}

function family(
  requirement: Requirement,
  variants: Variants,
  outcome: string,
  judge: (handshake: Handshake) => void,
): Case[] {
  return Object.entries(variants).map(([name, { what, request }]) => ({
    id: `${prefixOf(requirement)}/${name}`,
    title: `${what} ${outcome}`,
    requirement,
    run: async (peer) => judge(await peer.handshake(request)),
  }));
}
