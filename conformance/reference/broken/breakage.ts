/**
 * What a broken server is: the strict one with one requirement broken, as data.
 *
 * @module
 */
import type { Level, Requirement } from "../../case.ts";
import type { InFrame, InState, OutFrame, Rules } from "../rules.ts";
import type { Overrides } from "../server.ts";

/** A requirement by where it stands and how much it demands: `RFC 6455 5.1 MUST`. */
export type Broken = `${Requirement["spec"]} ${string} ${Level}`;

/** A server that breaks one requirement. */
export interface Breakage {
  /** Completes "a server that …". */
  readonly name: string;
  readonly breaks: Broken;
  /** What of the strict server is replaced; it may be started more than once. */
  readonly server: Overrides;
  /**
   * `warn` of a MUST where only what is a SHOULD tells that the server took what it must not take: the
   * code of its Close frame (7.1.7), or that the connection goes on and nothing comes of the data
   * (10.7).
   *
   * @default "fail" of a MUST, "warn" of a SHOULD
   */
  readonly verdict?: "fail" | "warn";
  /**
   * Globs of the ids of cases that find it: one of them, at least, is of the requirement broken. What a
   * case that watches is to see, others that stand here bring out.
   */
  readonly foundBy: readonly string[];
  /** Globs of ids of other requirements that are blamed too, each with the reason that this is so. */
  readonly also?: Readonly<Record<string, string>>;
}

/** Why a case of another requirement sees what a server does to some messages. */
export const IN_ANY_STREAM = "random streams have such messages in them too";

/** A frame to send. */
export function out(
  opcode: number,
  payload: Uint8Array,
  options: { readonly fin?: boolean; readonly rsv?: number } = {},
): OutFrame {
  return { fin: options.fin ?? true, rsv: options.rsv ?? 0, opcode, payload };
}

/** The body of a Close frame. */
export function closeBody(code: number, reason = ""): Uint8Array {
  return Uint8Array.from([code >> 8, code & 0xff, ...new TextEncoder().encode(reason)]);
}

/** A rule for frames that lets some pass. */
export function passing(
  check: Rules["checkMask"],
  passes: (frame: InFrame, state: InState) => boolean,
): Rules["checkMask"] {
  return (frame, state) => passes(frame, state) ? null : check(frame, state);
}

/** What bytes look like after one of them changed. */
export function withByte(bytes: Uint8Array, at: number, change: number): Uint8Array {
  return bytes.map((byte, i) => i === at ? byte ^ change : byte);
}
