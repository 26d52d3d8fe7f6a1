/**
 * How large an event may be: one that is larger than may wait on a connection would cut it off, and again
 * each time that its client comes back for it.
 *
 * @module
 */
import { byteLength, exceeds } from "../base/byte_length.ts";
import type { Media } from "../protocol/event.ts";

/** Bytes that an event's message has beside its data at most, names and what a runtime adds included. */
const AROUND = 4_096;

/** The bytes that the data of an event may have as JSON, where so many may wait on a connection. */
export function mostOfEvent(outbox: number): number {
  return outbox - Math.min(AROUND, Math.ceil(outbox / 16));
}

/** What so many bytes of media take in JSON, which is the longest way in which anybody gets them. */
function base64Length(bytes: number): number {
  return Math.ceil(bytes / 3) * 4;
}

/** What is wrong with the size of an event's data; undefined where nothing is. */
export function oversize(
  json: string,
  media: Media | undefined,
  outbox: number,
): string | undefined {
  const content = media === undefined ? 0 : base64Length(media.content.byteLength);
  const most = mostOfEvent(outbox);
  if (!exceeds(json, most - content)) return undefined;
  return `the data have ${byteLength(json) + content} bytes as JSON, and ${most} are allowed: ` +
    `no more than ${outbox} may wait for a subscriber`;
}
