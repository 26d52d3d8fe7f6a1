/**
 * What an answer to `history` may hold.
 *
 * @module
 */
import type { Position } from "../channels/client.ts";
import { isRecord, type ServerMessage, showMessage } from "../channels/shape.ts";
import { law } from "./law.ts";
import { type Ledger, quoted } from "./ledger.ts";

/** How the past was asked for. */
export interface PastAsked {
  readonly since: Position | null;
  readonly limit: number | null;
  /** The newest place that was known when it was asked for. */
  readonly head: number;
}

/** Holds an answer against what is known of the channel, for the client with this id. */
export function judgePast(
  ledger: Ledger,
  id: string,
  { since, limit, head }: PastAsked,
  answer: ServerMessage,
): void {
  const { epoch, events, more, next, gap } = answer;
  const observed = showMessage(answer, 300);
  const listed = Array.isArray(events) ? events.filter(isRecord) : [];
  law(listed.length <= (limit ?? 100), "HDL-HIS-4", `${limit ?? 100} events at most`, observed);
  ledger.learnEpoch(String(epoch));
  const nowhere = since !== null && (since.epoch !== epoch || since.offset > ledger.most);
  const start = since === null || nowhere ? 0 : since.offset;
  let last = start;
  const seen = new Set<number>();
  for (const event of listed) {
    const offset = Number(event["offset"]);
    const publication = ledger.find(String(event["data"]));
    law(publication !== undefined, "HDL-HIS-5", "events that were published", event);
    const { label } = publication;
    law(offset > last, "HDL-HIS-1", `${quoted(label)} at an offset after ${last}`, event);
    law(publication.excludes !== id, "HDL-HIS-6", `no ${quoted(label)}, its own`, event);
    ledger.learn(publication, { epoch: String(epoch), offset });
    seen.add(offset);
    last = offset;
  }
  const end = isRecord(next) ? Number(next["offset"]) : NaN;
  const fits = isRecord(next) && next["epoch"] === epoch && end >= last && end <= ledger.most;
  law(fits, "HDL-HIS-7", `next at offset ${last} to ${ledger.most}`, observed);
  law(more === true || end >= head, "HDL-HIS-7", `more, or next at offset ${head}`, observed);
  const gone = isRecord(gap) ? gap : null;
  const lost = typeof gone?.["to"] === "number" ? gone["to"] : null;
  law(nowhere ? lost === null : true, "HDL-HIS-9", "a gap without ends", observed);
  if (nowhere) law(gone !== null, "HDL-HIS-9", "a gap without ends", observed);
  for (let offset = start + 1; offset <= end; offset++) {
    const publication = ledger.at(String(epoch), offset);
    if (publication === undefined || publication.excludes === id || seen.has(offset)) continue;
    const isTold = lost !== null && offset <= lost && !ledger.keeps(offset);
    const isGone = (since === null || nowhere) && !ledger.keeps(offset) &&
      [...seen].every((one) => one > offset);
    law(
      isTold || isGone,
      "HDL-HIS-7",
      `the event ${quoted(publication.label)} at offset ${offset}, or that it is gone`,
      observed,
    );
  }
}
