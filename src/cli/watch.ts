import process from "node:process";
import { createInterface, type Interface } from "node:readline";
import { type Client, createClient } from "../client/client.ts";
import { redactText } from "../guard/redact.ts";
import type { Subscription } from "../client/subscription.ts";
import { type CommandContext, runTyped, subscribe } from "./commands.ts";
import { CommandError, FAILED } from "./failure.ts";
import { type Format, type Formatter, formatter, isEvent, readFrame } from "./format.ts";
import { Screen } from "./screen.ts";
import { stopSignal } from "./stop.ts";
import { type HttpRefusal, watchedWebSocket } from "./watched_socket.ts";

/** What to watch, and how. */
export interface WatchOptions {
  readonly url: string;
  readonly token: string | undefined;
  readonly channels: readonly string[];
  readonly format: Format;
  /** How many events to show; `Infinity` for all. */
  readonly count: number;
  readonly isInteractive: boolean;
  readonly isVerbose: boolean;
}

/** One run of `heddle connect`. */
export class Watch {
  readonly #options: WatchOptions;
  readonly #screen = new Screen(() => this.#end());
  readonly #format: Formatter;
  readonly #client: Client;
  readonly #held = new Map<string, Subscription>();
  readonly #over: Promise<void>;
  #settle: (error?: CommandError) => void = () => {};
  #input: Interface | undefined;
  #isOver = false;
  #events = 0;
  /** The last answer in the place of an upgrade. */
  #refusal: HttpRefusal | undefined;

  /** @throws {HeddleError} `option_invalid` for a URL that is none. */
  constructor(options: WatchOptions) {
    this.#options = options;
    this.#format = formatter(options.format, this.#screen.colors, options.isVerbose);
    this.#over = new Promise((resolve, reject) => {
      this.#settle = (error) => error === undefined ? resolve() : reject(error);
    });
    this.#client = createClient({
      url: options.url,
      ...(options.token === undefined ? {} : { token: options.token }),
      WebSocket: watchedWebSocket({
        received: (data) => this.#received(data),
        sent: (data) => this.#remark(`sent ${typeof data === "string" ? data : "bytes"}`),
        refused: (refusal) => this.#refusal = refusal,
      }),
      reconnect: { attempts: 0, maxDelay: 30_000 },
    });
    this.#listen();
  }

  /**
   * Connects and shows what comes, until a signal, `quit`, the count or the server ends it.
   *
   * @throws {CommandError} where the server refuses, cannot be reached, or sends the client away.
   */
  async run(): Promise<void> {
    stopSignal().then(() => this.#end());
    this.#remark(`connecting to ${withoutQuery(this.#options.url)}`);
    try {
      await Promise.race([this.#over, this.#start().then(() => this.#over)]);
    } finally {
      this.#isOver = true;
      this.#screen.prompt = undefined;
      this.#input?.close();
      await this.#client.disconnect();
    }
  }

  async #start(): Promise<void> {
    const { url, channels, isInteractive } = this.#options;
    try {
      await this.#client.connect();
    } catch (error) {
      const where = `cannot connect to ${withoutQuery(url)}`;
      throw new CommandError(FAILED, `${where}: ${this.#reason(error)}`);
    }
    const context: CommandContext = {
      client: this.#client,
      held: this.#held,
      note: (text) => this.#note(text),
    };
    const granted = await subscribe(context, channels);
    if (isInteractive) return await this.#readCommands(context);
    if (channels.length > 0 && granted === 0) {
      throw new CommandError(FAILED, `the server granted no subscription`);
    }
    if (channels.length === 0) this.#note("subscribed to nothing: --subscribe says to what");
  }

  /** One after the other, so that a script's `quit` comes after the answers to what is before it. */
  async #readCommands(context: CommandContext): Promise<void> {
    const input = createInterface({
      input: process.stdin,
      output: process.stdout,
      terminal: process.stdin.isTTY && process.stdout.isTTY,
    });
    this.#input = input;
    this.#screen.prompt = input;
    input.on("SIGINT", () => this.#end());
    for await (const line of input) {
      if (this.#isOver || await runTyped(line, context)) break;
      this.#screen.prompt = input;
    }
    this.#end();
  }

  #listen(): void {
    const client = this.#client;
    client.on("connected", ({ role, userId, clientId, attempt }) => {
      const who = `as ${userId ?? "nobody"} (${role}), client id ${clientId}`;
      if (attempt > 0) this.#note(`connected again ${who}`);
      else this.#remark(`connected ${who}`);
    });
    client.on("disconnected", ({ code, reason, willReconnect }) => {
      if (this.#isOver) return;
      const how = `the server closed the connection: ${code}${reason && ` ${reason}`}`;
      if (willReconnect) this.#note(how);
      else this.#end(code === 1000 ? undefined : new CommandError(FAILED, how));
    });
    client.on("reconnecting", ({ attempt, delay }) => {
      this.#note(`coming back in ${(delay / 1000).toFixed(1)} s (attempt ${attempt})`);
    });
    client.on("failed", ({ error }) => {
      const reason = this.#reason(error);
      if (this.#refusal === undefined || mayPass(this.#refusal.status)) this.#note(reason);
      else this.#end(new CommandError(FAILED, reason));
      this.#refusal = undefined;
    });
    client.on("unsubscribed", ({ channels, code, message }) => {
      for (const name of channels) this.#held.delete(name);
      this.#note(`no longer subscribed to ${channels.join(", ")}: ${code}: ${message}`);
    });
    client.on("error", (error) => this.#remark(error.message));
  }

  #received(data: string | Uint8Array): void {
    if (this.#isOver) return;
    const frame = readFrame(data);
    this.#screen.show(this.#format(frame));
    if (isEvent(frame) && ++this.#events >= this.#options.count) this.#end();
  }

  #end(error?: CommandError): void {
    this.#isOver = true;
    this.#settle(error);
  }

  #reason(error: unknown): string {
    if (this.#refusal !== undefined) {
      const { status, message } = this.#refusal;
      return `the server refused with HTTP ${status}${message && `: ${message}`}`;
    }
    return error instanceof Error ? error.message : String(error);
  }

  #note(text: string): void {
    this.#screen.note(text);
  }

  #remark(text: string): void {
    if (this.#options.isVerbose) this.#note(redactText(text));
  }
}

/** Whether a refusal may pass: a time-out, too many requests, or the server's own fault. */
function mayPass(status: number): boolean {
  return [408, 425, 429].includes(status) || status >= 500;
}

/** A query may hold a token. */
function withoutQuery(url: string): string {
  return url.replace(/\?.*$/s, "");
}
