/**
 * What cases say of presence.
 *
 * @module
 */
import type { Client } from "./client.ts";
import { isRecord, type ServerMessage } from "./shape.ts";

/** A member, as the server lists it. */
export type Member = Readonly<Record<string, unknown>>;

/** Who is on a channel; `listed` false where only the count is told. */
export async function members(
  client: Client,
  channel: string,
): Promise<
  { readonly list: readonly Member[]; readonly listed: boolean; readonly count: unknown }
> {
  const answer = await client.ok({ type: "presence", channel });
  const found = answer["members"];
  const listed = Array.isArray(found);
  return { list: listed ? found.filter(isRecord) : [], listed, count: answer["count"] };
}

/** The next presence event of this type. */
export async function told(
  client: Client,
  channel: string,
  type: string,
  timeout?: number,
): Promise<ServerMessage> {
  return await client.next(
    (one) => one.type === "event" && one["channel"] === channel && one["event_type"] === type,
    `${type} on ${channel}`,
    timeout,
  );
}

/** What a presence event says. */
export function said({ data }: ServerMessage): Member {
  return isRecord(data) ? data : {};
}
