/**
 * The load of the benchmark, in a process of its own: connections over bare sockets that count frames. It
 * answers each line on its standard input, a question as JSON, with a line on its standard output.
 *
 * @module
 */
import process from "node:process";
import { createInterface } from "node:readline";
import { Connection, type Load } from "./connection.ts";
import { type DialectName, dialects } from "./dialects.ts";

/** How connections are opened. */
export interface Opening {
  readonly port: number;
  readonly dialect: DialectName;
  readonly count: number;
  /** How many may be on their way at once. @default 100 */
  readonly concurrency?: number;
  /** What is added to the path: of each connection the next of these, over and over. @default [""] */
  readonly queries?: readonly string[];
  /** Header lines, each with its line end. @default "" */
  readonly headers?: string;
  /** Messages to send once open. @default none */
  readonly first?: readonly string[];
  /** Counts the events inside of each frame instead of frames: for batches. @default false */
  readonly isBatched?: boolean;
}

/** What the client is asked. */
export type Question =
  | { readonly ask: "open" } & Opening
  /** Counts from zero. */
  | { readonly ask: "count" }
  /** Answers when so many events have come since then. */
  | { readonly ask: "reach"; readonly frames: number }
  /** Sends a message on every connection. */
  | { readonly ask: "send"; readonly text: string }
  /** Publishes so often a second on the first connection and notes how long events are on their way. */
  | { readonly ask: "latency"; readonly rate: number; readonly seconds: number }
  /** Keeps so many requests under way on each connection. */
  | {
    readonly ask: "requests";
    readonly type: "ping" | "add";
    readonly depth: number;
    readonly seconds: number;
  }
  | { readonly ask: "close" };

const EVENT = '{"type":"event"';
/** Longest silence before what is awaited is given up, in milliseconds. */
const PATIENCE = 20_000;

let connections: Connection[] = [];
let load: Load | undefined;
let frames = 0;
let bytes = 0;
let started = 0;
let lastFrame = 0;
let trouble: string | undefined;
let notify = () => {};

const now = () => performance.now();

async function until(isDone: () => boolean): Promise<void> {
  let seen = frames + connections.length;
  let since = now();
  while (!isDone()) {
    if (trouble !== undefined) throw new Error(trouble);
    if (seen !== (seen = frames + connections.length)) since = now();
    if (now() - since > PATIENCE) {
      throw new Error(`nothing has come for ${PATIENCE} ms: ${frames} events`);
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, 200);
      notify = () => {
        if (!isDone() && trouble === undefined) return;
        clearTimeout(timer);
        resolve();
      };
    });
  }
  notify = () => {};
}

async function open(opening: Opening) {
  const {
    dialect: name,
    port,
    count,
    concurrency = 100,
    queries = [""],
    headers = "",
    first = [],
  } = opening;
  const dialect = dialects[name];
  let greeting = "";
  // Those that are there stay.
  let ready = connections.length;
  let under = 0;
  trouble = undefined;
  const sign = dialect.path.includes("?") ? "&" : "?";
  let opened = 0;
  const own: Load = {
    port,
    path() {
      const query = queries[opened++ % queries.length];
      return query === "" ? dialect.path : `${dialect.path}${sign}${query}`;
    },
    headers,
    dialect,
    first,
    isCounting: false,
    counted(count) {
      frames += count;
      lastFrame = now();
      notify();
    },
    received: (length) => void (bytes += length),
    message(_connection, text) {
      if (!opening.isBatched) return;
      let count = 0;
      for (
        let at = text.indexOf(EVENT);
        at !== -1;
        at = text.indexOf(EVENT, at + 1)
      ) count++;
      own.counted(count);
    },
    ready(_connection, text) {
      greeting = text;
      ready++;
      under--;
      notify();
    },
    ended: (_connection, why) => void (trouble ??= why),
  };
  load = own;
  const from = now();
  while (ready < count) {
    while (connections.length < count && under < concurrency) {
      under++;
      connections.push(new Connection(own));
    }
    const before = ready;
    const room = connections.length < count;
    await until(() => room ? ready > before : ready === count);
  }
  const seconds = (now() - from) / 1000;
  own.isCounting = opening.isBatched !== true;
  return { seconds, greeting };
}

/** Times in milliseconds, by tenths of which they are counted. */
class Histogram {
  readonly #counts = new Map<number, number>();
  total = 0;

  add(milliseconds: number): void {
    const slot = Math.max(0, Math.round(milliseconds * 100));
    this.#counts.set(slot, (this.#counts.get(slot) ?? 0) + 1);
    this.total++;
  }

  quantile(part: number): number {
    let left = part * this.total;
    for (const [slot, count] of [...this.#counts].sort(([a], [b]) => a - b)) {
      if ((left -= count) <= 0) return slot / 100;
    }
    return NaN;
  }
}

async function latency(rate: number, seconds: number) {
  const times = new Histogram();
  const { isCounting, message } = load!;
  load!.isCounting = false;
  load!.message = (_connection, text) => {
    const at = text.indexOf('at":', 60);
    // Socket.IO escapes the quotes of the text inside its own.
    const start = at !== -1 ? at + 4 : text.indexOf('at\\":', 60) + 5;
    const sent = parseFloat(text.slice(start, start + 20));
    if (start < 60 || Number.isNaN(sent)) return;
    frames++;
    times.add(now() - sent);
  };
  frames = 0;
  const total = rate * seconds;
  const from = now();
  for (let sent = 0; sent < total; sent++) {
    const wait = from + sent * 1000 / rate - now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    connections[0]!.send(
      load!.dialect.publish(Math.round(now() * 1000) / 1000),
    );
  }
  const expected = total * connections.length;
  await until(() => frames >= expected);
  Object.assign(load!, { isCounting, message });
  return {
    p50: times.quantile(0.5),
    p99: times.quantile(0.99),
    events: times.total,
  };
}

async function requests(type: "ping" | "add", depth: number, seconds: number) {
  const { isCounting, message } = load!;
  const { dialect } = load!;
  load!.isCounting = false;
  let id = 0;
  let isOver = false;
  let waiting = connections.length * depth;
  const next = new Map<Connection, string[]>();
  frames = 0;
  load!.message = (connection) => {
    frames++;
    if (isOver) {
      waiting--;
      notify();
      return;
    }
    // What one chunk has brought is asked anew in one write.
    const texts = next.get(connection);
    if (texts !== undefined) {
      texts.push(dialect.request(type, ++id));
      return;
    }
    next.set(connection, [dialect.request(type, ++id)]);
    queueMicrotask(() => {
      connection.send(...next.get(connection)!);
      next.delete(connection);
    });
  };
  const from = now();
  for (const connection of connections) {
    connection.send(
      ...Array.from({ length: depth }, () => dialect.request(type, ++id)),
    );
  }
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const replies = frames;
  const took = (now() - from) / 1000;
  isOver = true;
  await until(() => waiting === 0);
  const all = frames;
  Object.assign(load!, { isCounting, message });
  return { rate: replies / took, replies: all };
}

async function answer(question: Question): Promise<unknown> {
  switch (question.ask) {
    case "open":
      return await open(question);
    case "count":
      frames = bytes = 0;
      started = lastFrame = now();
      return {};
    case "reach": {
      await until(() => frames >= question.frames);
      const { user, system } = process.cpuUsage();
      return {
        frames,
        bytes,
        seconds: (lastFrame - started) / 1000,
        cpu: (user + system) / 1e6,
      };
    }
    case "send":
      for (const connection of connections) connection.send(question.text);
      return {};
    case "latency":
      return await latency(question.rate, question.seconds);
    case "requests":
      return await requests(question.type, question.depth, question.seconds);
    case "close":
      for (const connection of connections) connection.cut();
      connections = [];
      return {};
  }
}

console.log("{}");
for await (const line of createInterface({ input: process.stdin })) {
  const value = await answer(JSON.parse(line) as Question).catch((
    error: unknown,
  ) => ({
    error: String(error),
  }));
  console.log(JSON.stringify(value));
}
process.exit(0);
