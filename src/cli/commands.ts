/**
 * What can be typed at `heddle connect --interactive`.
 *
 * @module
 */
import type { Client } from "../client/client.ts";
import type { Subscription } from "../client/subscription.ts";

/** What a command works with. */
export interface CommandContext {
  readonly client: Client;
  /** The subscriptions there are, by channel. */
  readonly held: Map<string, Subscription>;
  /** Says something to whoever types. */
  note(text: string): void;
}

interface TypedCommand {
  readonly usage: string;
  readonly does: string;
  run(context: CommandContext, args: string): Promise<void> | void;
}

const commands: readonly TypedCommand[] = [
  {
    usage: "ping",
    does: "measure the way to the server and back",
    async run({ client, note }) {
      note(`answered in ${(await client.ping()).toFixed(1)} ms`);
    },
  },
  {
    usage: "subscribe CHANNEL…",
    does: "get the events of channels",
    async run(context, args) {
      await subscribe(context, channelsIn(args));
    },
  },
  {
    usage: "unsubscribe CHANNEL…",
    does: "get them no longer",
    async run({ held, note }, args) {
      await Promise.all(
        channelsIn(args).map(async (name) => {
          const subscription = held.get(name);
          if (subscription === undefined) return note(`not subscribed to ${name}`);
          held.delete(name);
          await subscription.unsubscribe();
        }),
      );
    },
  },
  {
    usage: "subs",
    does: "ask the server what this connection is subscribed to",
    async run({ client, note }) {
      note(`subscribed to ${(await client.subscriptions()).join(", ") || "nothing"}`);
    },
  },
  {
    usage: "publish CHANNEL TYPE JSON",
    does: 'publish an event, such as: publish room:1 chat {"text":"hello"}',
    async run({ client, note }, args) {
      const [, channel, type, json] = /^(\S+)\s+(\S+)\s+(.+)$/.exec(args) ?? [];
      if (channel === undefined || type === undefined || json === undefined) {
        throw new Error("a channel, an event type and data in JSON are needed");
      }
      const { offset } = await client.publish(channel, type, JSON.parse(json));
      note(`published as event ${offset} of ${channel}`);
    },
  },
  {
    usage: "help",
    does: "show this",
    run({ note }) {
      for (const { usage, does } of commands) note(`${usage.padEnd(26)} ${does}`);
    },
  },
  { usage: "quit", does: "close the connection and end", run: () => {} },
];

/**
 * Runs what was typed; what went wrong is noted.
 *
 * @returns Whether that was `quit`.
 */
export async function runTyped(line: string, context: CommandContext): Promise<boolean> {
  const [, word = "", args = ""] = /^(\S*)\s*(.*)$/.exec(line.trim()) ?? [];
  if (word === "") return false;
  const command = commands.find(({ usage }) => usage.split(" ")[0] === word.toLowerCase());
  if (command === undefined) {
    context.note(`there is no command "${word}": help tells what there is`);
    return false;
  }
  try {
    await command.run(context, args);
  } catch (error) {
    context.note(`${word}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return word.toLowerCase() === "quit";
}

/**
 * Subscribes to channels, and notes those that the server refuses.
 *
 * @returns How many it granted.
 */
export async function subscribe(
  { client, held, note }: CommandContext,
  channels: readonly string[],
): Promise<number> {
  // The socket shows every event as it comes: see watchedWebSocket.
  const granted = await Promise.all(
    channels.filter((name) => !held.has(name)).map(
      async (name): Promise<number> => {
        try {
          held.set(name, await client.subscribe(name, () => {}));
          return 1;
        } catch (error) {
          note(`not subscribed to ${name}: ${error instanceof Error ? error.message : error}`);
          return 0;
        }
      },
    ),
  );
  return granted.reduce((sum, one) => sum + one, 0);
}

function channelsIn(args: string): string[] {
  const names = args.split(/[\s,]+/).filter((name) => name !== "");
  if (names.length === 0) throw new Error("a channel is needed");
  return [...new Set(names)];
}
