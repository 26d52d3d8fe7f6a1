/**
 * Where a subscription may start, by what was asked for.
 *
 * @module
 */
import type { Position } from "../channels/client.ts";
import type { RequirementId } from "../peer/watch.ts";
import { law } from "./law.ts";
import { type Ledger, type Mark, showPlace } from "./ledger.ts";

/** How a channel was asked for; `mark` is where it stood when the request was sent. */
export type Asked =
  /** From now on. */
  | { readonly from: "now"; readonly mark: Mark }
  /** With so many of the newest. */
  | { readonly from: "last"; readonly count: number; readonly mark: Mark }
  /** After this place. */
  | { readonly from: "position"; readonly position: Position; readonly mark: Mark }
  /** After what had been written to the session's former connection: at least to this place. */
  | { readonly from: "written"; readonly position: Position | null; readonly mark: Mark };

/** Where a subscription starts. */
export interface Standing {
  readonly epoch: string;
  /** The place after which every event is due. */
  readonly at: number;
  /** A gap that must come before any event, and the place that it lies after; null where none must. */
  readonly owed: { readonly after: number; readonly endless: boolean } | null;
}

/** Holds the place that was told against what was asked for. */
export function judgeStart(
  ledger: Ledger,
  asked: Asked,
  told: Position,
  recovered: unknown,
): Standing {
  ledger.learnEpoch(told.epoch);
  const { epoch, offset } = told;
  const { mark } = asked;
  const low = mark.epoch === epoch ? mark.head : 0;
  const high = ledger.most;
  const where = `a start of ${ledger.shown}`;
  const observed = `${showPlace(told)}, recovered ${recovered ?? "not told"}`;
  const between = (least: number, most: number, id: RequirementId) =>
    law(offset >= least && offset <= most, id, `${where} at ${span(least, most)}`, observed);
  const oldest = Math.max(0, high - ledger.size);
  switch (asked.from) {
    case "now":
    case "last": {
      law(recovered === undefined, "HDL-SUB-20", `${where} without recovered`, observed);
      const count = asked.from === "now" ? 0 : asked.count;
      const id = asked.from === "now" ? "HDL-SUB-16" : "HDL-SUB-19";
      between(Math.max(0, low - count), Math.max(0, high - Math.min(count, ledger.size)), id);
      return { epoch, at: offset, owed: null };
    }
    case "position": {
      const { position } = asked;
      law(typeof recovered === "boolean", "HDL-SUB-20", `${where} with recovered`, observed);
      if (position.epoch !== epoch || position.offset > high) {
        law(!recovered, "HDL-SUB-18", `${where} with recovered false`, observed);
        between(0, oldest, "HDL-SUB-18");
        return { epoch, at: offset, owed: { after: 0, endless: true } };
      }
      if (recovered) {
        between(position.offset, position.offset, "HDL-SUB-17");
        return { epoch, at: offset, owed: null };
      }
      const after = `after ${showPlace(position)}`;
      law(!ledger.keeps(position.offset + 1), "HDL-SUB-17", `${where} ${after}`, observed);
      between(position.offset, Math.max(position.offset, oldest), "HDL-SUB-17");
      return { epoch, at: position.offset, owed: { after: position.offset, endless: false } };
    }
    case "written": {
      law(typeof recovered === "boolean", "HDL-RES-12", `${where} with recovered`, observed);
      const own = asked.position?.epoch === epoch ? asked.position.offset : 0;
      if (recovered) {
        between(own, high, "HDL-RES-11");
        return { epoch, at: offset, owed: null };
      }
      law(!ledger.keeps(own + 1), "HDL-RES-11", `${where} with recovered true`, observed);
      return { epoch, at: offset, owed: { after: own, endless: true } };
    }
  }
}

function span(least: number, most: number): string {
  return least === most ? `offset ${least}` : `offset ${least} to ${most}`;
}
