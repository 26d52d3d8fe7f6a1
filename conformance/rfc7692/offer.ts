/**
 * An offer of permessage-deflate, the server's answer to it, and whether the answer keeps to what
 * the offer allows (RFC 7692 sections 7 and 7.1).
 *
 * @module
 */
import type { Connection } from "../peer/connection.ts";
import { Broken, Skipped } from "../peer/finding.ts";
import type { Handshake } from "../peer/handshake.ts";
import type { Peer } from "../peer/peer.ts";
import { type Extension, parseExtensions } from "../wire/deflate.ts";

/** The name of the extension. */
const NAME = "permessage-deflate";

/** What came of an offer. */
export interface Negotiated {
  readonly handshake: Handshake;
  /** The server's answer; null where it declined, be it by refusing the handshake or dropping it. */
  readonly answer: Extension | null;
}

/** Sends an offer, or several header fields of offers, and reads the answer. */
export async function negotiate(
  peer: Peer,
  offer: string | readonly string[],
): Promise<Negotiated> {
  const handshake = await peer.handshake({ headers: { "Sec-WebSocket-Extensions": offer } });
  const { response, wire } = handshake;
  const declined = response === null ? wire.ending !== null : response.status >= 400;
  if (!declined) handshake.expectAccepted();
  const [answer = null, second] = handshake.extensions().filter(({ name }) => name === NAME);
  if (second === undefined) return { handshake, answer };
  throw new Broken({ expected: "one answer of permessage-deflate", observed: answered(handshake) });
}

/**
 * The connection of a legal offer, whose answer must fit it.
 *
 * @param options.misfit what an answer that does not fit is: `broken` for the cases about answers,
 * `skipped` for those about what was agreed to, which is nothing then
 * @throws Skipped where there is no answer
 */
export async function agree(
  peer: Peer,
  offer: string | readonly string[],
  { misfit: kind = "broken" }: { readonly misfit?: "broken" | "skipped" } = {},
): Promise<{ readonly connection: Connection; readonly answer: Extension }> {
  const { handshake, answer } = await negotiate(peer, offer);
  const status = handshake.response?.status ?? 0;
  // An error of the server's own: it could have declined.
  if (status === 0 || status >= 500) handshake.expectAccepted();
  if (status !== 101) {
    throw new Skipped(`the server refuses the handshake: ${handshake.observed}`);
  }
  if (answer === null) throw new Skipped(`the server does not agree to: ${[offer].flat()}`);
  const wrong = misfit(offersOf(offer), answer);
  if (wrong !== null && kind === "skipped") {
    throw new Skipped(`the answer does not fit the offer: ${answered(handshake)}`);
  }
  if (wrong !== null) throw new Broken({ expected: wrong, observed: answered(handshake) });
  const connection = handshake.expectAccepted();
  for (let i = 0; i < peer.facts.greetings; i++) await connection.nextMessage("its greeting");
  return { connection, answer };
}

/** The header of the answer, for a report. */
export function answered(handshake: Handshake): string {
  const header = handshake.values("Sec-WebSocket-Extensions").join(", ");
  return `${handshake.observed}, Sec-WebSocket-Extensions: ${header || "none"}`;
}

/** The value of a parameter: true where it has none, undefined where the parameter is not there. */
export function parameter(extension: Extension, name: string): string | true | undefined {
  return extension.parameters.find(([key]) => key === name)?.[1];
}

function offersOf(offer: string | readonly string[]): Extension[] {
  const found = parseExtensions([offer].flat().join(", ")) ?? [];
  return found.filter(({ name }) => name === NAME).filter(isLegal);
}

/** Whether an offer has no parameter that the server must decline it for (section 7). */
function isLegal({ parameters }: Extension): boolean {
  const names = new Set(parameters.map(([name]) => name));
  return names.size === parameters.length && parameters.every(([name, value]) => {
    switch (name) {
      case "server_no_context_takeover":
      case "client_no_context_takeover":
        return value === true;
      case "server_max_window_bits":
        return isBits(value);
      case "client_max_window_bits":
        return value === true || isBits(value);
      default:
        return false;
    }
  });
}

function isBits(value: string | true): boolean {
  return value !== true && /^([89]|1[0-5])$/.test(value);
}

/** What the answer should have been, where it fits none of the offers; null where it does. */
function misfit(offers: readonly Extension[], answer: Extension): string | null {
  const reasons = offers.map((offer) => misfitOf(offer, answer));
  return reasons.includes(null) ? null : reasons[0] ?? "none, as no offer is legal";
}

function misfitOf(offer: Extension, answer: Extension): string | null {
  const asked = (name: string) => parameter(offer, name);
  const given = (name: string) => parameter(answer, name);
  if (asked("server_no_context_takeover") && !given("server_no_context_takeover")) {
    return "an answer with server_no_context_takeover, as it was asked for";
  }
  const most = asked("server_max_window_bits");
  // Without it the window is one of 15 bits, and that may be just what was asked for.
  const bits = given("server_max_window_bits") ?? "15";
  if (most !== undefined && !(Number(bits) <= Number(most))) {
    return `an answer with server_max_window_bits of at most ${most}`;
  }
  if (given("client_max_window_bits") && !asked("client_max_window_bits")) {
    return "an answer without client_max_window_bits, which was not offered";
  }
  return null;
}
