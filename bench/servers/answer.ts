/**
 * What every server of the benchmark does beside serving: it prints where it listens, as a line of JSON,
 * and answers each line on its standard input with one on its standard output.
 *
 * @module
 */
import process from "node:process";
import { createInterface } from "node:readline";
import { setImmediate } from "node:timers";
import { PROFILE, startProfile } from "../profile.ts";

/** What a server is asked. */
export type Question =
  /** Sends so many events of so many bytes to all subscribers in each of so many turns of the loop. */
  | {
    readonly ask: "burst";
    readonly ticks: number;
    readonly events: number;
    readonly size: number;
    readonly kind: Kind;
  }
  /** The CPU it has used so far, in seconds. */
  | { readonly ask: "cpu" }
  /** The bytes it holds, after a collection. */
  | { readonly ask: "memory" }
  /** Publishes one event in each of so many channels that nobody is subscribed to. */
  | { readonly ask: "channels"; readonly count: number }
  /** How many subscriptions there are. */
  | { readonly ask: "subscriptions" };

/** Events that are all the same but for their number, or such as an application has. */
export type Kind = "plain" | "metrics";

/** What differs between servers. */
export interface Answers {
  /** Sends so many events of so many bytes to all subscribers, in this turn of the loop. */
  publish(events: number, size: number, kind: Kind): unknown;
  /** Publishes one event in each of so many channels, where there are channels. */
  channels?(count: number): Promise<void>;
  /** How many subscriptions there are, where there are channels. */
  subscriptions?(): number;
  /** What to print of it: limits that were raised. */
  readonly note?: Readonly<Record<string, unknown>>;
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Prints the port and answers until the standard input ends. */
export async function answer(port: number, answers: Answers): Promise<never> {
  const file = process.env[PROFILE];
  const endProfile = file === undefined ? undefined : await startProfile(file);
  console.log(JSON.stringify({ port, note: answers.note ?? {} }));
  for await (const line of createInterface({ input: process.stdin })) {
    console.log(
      JSON.stringify({
        value: await reply(JSON.parse(line) as Question, answers),
      }),
    );
  }
  await endProfile?.();
  process.exit(0);
}

async function reply(question: Question, answers: Answers): Promise<number> {
  switch (question.ask) {
    case "burst":
      for (let tick = 0; tick < question.ticks; tick++) {
        await answers.publish(question.events, question.size, question.kind);
        await turn();
      }
      return question.ticks * question.events;
    case "cpu": {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    }
    case "memory":
      return await memoryHeld();
    case "channels":
      await answers.channels?.(question.count);
      return question.count;
    case "subscriptions":
      return answers.subscriptions?.() ?? 0;
  }
}

/** What the process holds of the machine's memory, once the collector finds nothing more. */
async function memoryHeld(): Promise<number> {
  const { Bun, gc } = globalThis as {
    Bun?: { gc(force: boolean): void };
    gc?: () => void;
  };
  let least = Infinity;
  for (let round = 0; round < 4; round++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    Bun?.gc(true);
    gc?.();
    least = Math.min(least, process.memoryUsage.rss());
  }
  return least;
}
