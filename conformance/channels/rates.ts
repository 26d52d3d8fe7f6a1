/**
 * Cases of PROTOCOL.md, "Rates". They empty a bucket that is small enough; where all are large they
 * are skipped.
 *
 * @module
 */
import type { Case } from "../case.ts";
import { Skipped } from "../peer/finding.ts";
import { check, expect, expectSame } from "./check.ts";
import type { Client } from "./client.ts";
import { rows } from "./protocol.ts";
import { field, showAnswer } from "./refusing.ts";
import type { Server } from "./server.ts";
import { resumed } from "./session.ts";
import { isRecord, type ServerMessage } from "./shape.ts";

/** A bucket, as `connected.rates` tells it. */
interface Bucket {
  readonly capacity: number;
  readonly per_second: number;
}

/** Messages that a case sends at most, and seconds that it waits, to see a limit. */
const MOST = { messages: 200, seconds: 4 } as const;

/** The buckets, by type. @throws Skipped where the server has none */
function bucketsOf(client: Client): Readonly<Record<string, Bucket>> {
  const { rates } = client.greeting;
  if (!isRecord(rates)) throw new Skipped("the target tells no rates");
  return rates as Readonly<Record<string, Bucket>>;
}

/** The bucket of a type, and why it cannot be emptied; null where it can. */
function bucketOf(client: Client, type: string) {
  const all = bucketsOf(client);
  const bucket = all[type] ?? all["default"];
  const reason = bucket === undefined || bucket.capacity > MOST.messages
    ? `the target's bucket ${type} cannot be emptied: it is too large`
    : 1 / bucket.per_second > MOST.seconds
    ? `the bucket ${type} fills too slowly`
    : null;
  return { bucket, reason };
}

/** A bucket that can be emptied. @throws Skipped where it cannot */
function small(client: Client, type: string): Bucket {
  const { bucket, reason } = bucketOf(client, type);
  if (bucket === undefined || reason !== null) throw new Skipped(reason ?? "no such bucket");
  return bucket;
}

/** How many messages an emptied bucket is sent at least, and at most. */
const [FEW, MANY] = [3, 18] as const;

/** How often a case tries to be quick enough. */
const TRIES = 4;

/** The type whose bucket is emptied. */
const TYPE = "get_subscriptions";

/** Sends so many, all at once, and returns the answers in the order of the messages. */
async function burst(client: Client, count: number, message: { readonly type: string }) {
  const ids = Array.from({ length: count }, () => client.correlation());
  for (const correlation_id of ids) client.send({ ...message, correlation_id });
  const answers: ServerMessage[] = [];
  for (const id of ids) answers.push(await client.answer(id, message.type));
  return answers;
}

const isOver = ({ type, code }: ServerMessage) => type === "error" && code === "rate_limited";

const TOO_FAST = "the bucket fills too fast to see";

/**
 * The refusal of one of a few more than a bucket may have got since it was emptied at `since`.
 *
 * @throws Skipped where those are too many
 */
async function overflow(
  client: Client,
  type: string,
  { per_second }: Bucket,
  since: number,
): Promise<ServerMessage> {
  const more = Math.ceil((performance.now() - since) / 1000 * per_second) + FEW;
  if (more > MANY) throw new Skipped(TOO_FAST);
  const over = (await burst(client, more, { type })).find(isOver);
  expect(over !== undefined, "rate_limited", `${more} messages taken by an empty bucket`);
  return over;
}

/** Empties the bucket, and returns the refusal of what came after. */
async function emptied(client: Client, type: string = TYPE): Promise<ServerMessage> {
  const bucket = small(client, type);
  const since = performance.now();
  const answers = await burst(client, Math.ceil(bucket.capacity), { type });
  return answers.find(isOver) ?? await overflow(client, type, bucket, since);
}

async function wait(server: Server, refusal: ServerMessage): Promise<void> {
  await server.pause(Number(refusal["retry_after"]) * 1000);
}

export const cases: readonly Case[] = [
  check("HDL-RAT-1", "limits", "messages are limited", async (server) => {
    const client = await server.connect();
    const all = bucketsOf(client);
    expect(all["default"] !== undefined, "a bucket default", all);
    if (bucketOf(client, TYPE).reason === null) await emptied(client);
  }),
  check("HDL-RAT-2", "no-more", "no more are taken than the bucket gives", async (server) => {
    const client = await server.connect();
    const { capacity, per_second } = small(client, TYPE);
    const began = performance.now();
    const answers = await burst(client, Math.ceil(capacity) + 15, { type: TYPE });
    const most = capacity + (performance.now() - began) / 1000 * per_second;
    const taken = answers.filter((one) => !isOver(one)).length;
    expect(taken <= most, `at most ${Math.floor(most)} taken`, `${taken} taken`);
    expect(
      taken >= Math.floor(capacity),
      `the ${capacity} of a full bucket taken`,
      `${taken} taken`,
    );
  }),
  check("HDL-RAT-3", "told", "connected tells the buckets", async (server) => {
    const all = bucketsOf(await server.connect());
    for (const [type, bucket] of Object.entries(all)) {
      const right = isRecord(bucket) && Number(bucket.capacity) > 0 &&
        Number(bucket.per_second) > 0;
      expect(right, `capacity and per_second of ${type}`, bucket);
    }
    const known = rows("Type", "`capacity`", "`per_second`");
    expect(known.length > 0 && Object.hasOwn(all, "default"), "a bucket default", all);
  }),
  check(
    "HDL-RAT-4",
    "default",
    "what nobody knows or can read shares one bucket",
    async (server) => {
      const client = await server.connect();
      const bucket = small(client, "default");
      const since = performance.now();
      const half = Math.ceil(bucket.capacity / 2);
      await burst(client, half, { type: "kit.nobody" });
      for (let i = 0; i < half + 10; i++) client.sendText(i % 2 === 0 ? "{" : '{"type":5}');
      const over = await client.next(isOver, "rate_limited");
      expect(!Object.hasOwn(over, "correlation_id"), "no correlation_id", over);
      await overflow(client, "kit.other", bucket, since);
    },
  ),
  check(
    "HDL-RAT-5",
    "at-once",
    "what is over a limit gets rate_limited, at once",
    async (server) => {
      const client = await server.connect();
      const over = await emptied(client);
      expectSame(over["code"], "rate_limited", "code");
      await client.alive();
    },
  ),
  check("HDL-RAT-6", "retry-after", "retry_after is when it would be taken", async (server) => {
    const client = await server.connect();
    const { per_second } = small(client, TYPE);
    await emptied(client);
    const asked = performance.now();
    const [over] = await burst(client, 1, { type: TYPE });
    if (over === undefined || !isOver(over)) throw new Skipped(TOO_FAST);
    const seconds = Number(over["retry_after"]);
    const right = seconds > 0 && seconds <= 1 / per_second + 0.1;
    expect(right, `a retry_after of at most ${1 / per_second} seconds`, over);
    await server.pause(seconds * 500);
    const [early] = await burst(client, 1, { type: TYPE });
    if (early === undefined || !isOver(early)) {
      const isEarly = performance.now() - asked < (seconds - 0.1) * 1000;
      expect(!isEarly, `it to be refused for ${seconds} seconds`, early);
      throw new Skipped(TOO_FAST);
    }
    await wait(server, early);
    const [next] = await burst(client, 1, { type: TYPE });
    expect(next !== undefined && !isOver(next), "it to be taken then", next);
  }),
  check("HDL-RAT-7", "refused-free", "what is refused counts against nothing", async (server) => {
    const client = await server.connect();
    await emptied(client);
    const answers = await burst(client, 5, { type: TYPE });
    const last = answers.at(-1);
    if (last === undefined || !isOver(last)) throw new Skipped(TOO_FAST);
    await wait(server, last);
    const [next] = await burst(client, 1, { type: TYPE });
    expect(next !== undefined && !isOver(next), "it to be taken after retry_after", next);
  }),
  check("HDL-RAT-8", "ack", "an ack counts against no other limit", async (server) => {
    const client = await server.connect();
    bucketsOf(client);
    const most = client.limit("messages_per_second", 100);
    const count = Math.min(most + 20, 500);
    if (count <= most) throw new Skipped("the target takes too many messages a second to see");
    for (let i = 0; i < count; i++) client.send({ type: "ack", ack_ids: ["kit"] });
    const [pong] = await burst(client, 1, { type: "ping" });
    expectSame(pong?.type, "pong", "the answer to a ping after many acks");
  }),
  check("HDL-RAT-9", "resumed", "a session that is resumed has its buckets", async (server) => {
    const user = server.user();
    const former = await server.connect({ user });
    const since = performance.now();
    await emptied(former);
    await former.close(1001);
    await server.notice();
    const { client } = await resumed(server, former.token, { user });
    await overflow(client, TYPE, small(former, TYPE), since);
  }),
  check("HDL-RAT-10", "abuse", "too many refusals close with 4429", async (server) => {
    for (let i = 0; i < TRIES; i++) {
      const client = await server.connect();
      const { capacity } = small(client, TYPE);
      const most = client.limit("refusals_per_second", 0);
      if (most === 0 || most > MOST.messages) throw new Skipped("the target bears many refusals");
      await burst(client, Math.ceil(capacity), { type: TYPE });
      const began = performance.now();
      const isEnded = await provokes(client, most);
      // In more time than that they need not be too many of any second.
      if (!isEnded && performance.now() - began > 1000) continue;
      return expectSame((await client.ended()).code, 4429, "the code");
    }
    throw new Skipped("the target answers too slowly to refuse so much in a second");
  }),
  check(
    "HDL-RAT-11",
    "requests",
    "requests from one address are limited with 429",
    async (server) => {
      const { requests } = server.offer;
      if (requests === undefined) throw new Skipped("the target limits no address's requests");
      const first = await refusalWithin(server, requests.most + 1);
      const after = Number(field(first, "Retry-After"));
      expect(
        after > 0 && after <= requests.seconds + 1,
        "Retry-After in seconds",
        showAnswer(first),
      );
      const bad = await server.request({ token: "no.such.token" });
      expectSame(bad.status, 429, "the status with a bad credential");
    },
  ),
];

/**
 * Sends a few more than `most` of what is refused; whether that ended the connection. All but the last
 * are sent at once, and of those not one more than it takes: what a server has not read when it closes
 * may cost its Close frame.
 */
async function provokes(client: Client, most: number): Promise<boolean> {
  const awaits = async () =>
    await client.nextOrEnd(({ type }) => type !== "disconnected", "an answer") === null;
  for (let i = 0; i < most; i++) client.send({ type: TYPE });
  for (let i = 0; i < most; i++) if (await awaits()) return true;
  for (let i = 0; i < 4; i++) {
    client.send({ type: TYPE });
    if (await awaits()) return true;
  }
  return false;
}

/** The first 429 among so many requests for a connection. */
async function refusalWithin(server: Server, count: number) {
  for (let i = 0; i < count; i++) {
    const answer = await server.request();
    if (answer.status === 429) return answer;
  }
  return expect(false, `429 to one of ${count} requests`, "none") as never;
}
