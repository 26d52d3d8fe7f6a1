import { checkNames, optionInvalid } from "../base/option_checks.ts";
import { MAX_HISTORY_LIMIT, MAX_MEMBER_METADATA } from "../protocol/messages.ts";

/** One handler on one channel. */
export interface Subscription extends AsyncDisposable {
  readonly channel: string;
  /**
   * Takes the handler off: it is not called again. The last handler of a channel takes the wire's
   * subscription with it; the promise waits for that. Called again, it does nothing.
   */
  unsubscribe(): Promise<void>;
}

/** How a channel is subscribed to. */
export interface SubscribeOptions {
  /**
   * How many of the newest events are wanted first, 0 to 1,000. Where the channel has a handler already,
   * a further one gets what comes. @default 0
   */
  readonly last?: number;
  /**
   * What the others on a channel with presence are told of this client: a JSON object, at most 1,024
   * characters as text. What the newest handler says holds for the channel.
   */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** @throws {HeddleError} `option_invalid`, naming the option, what was found and what is allowed. */
export function checkSubscribe(options: SubscribeOptions): void {
  checkNames("subscribe", options, ["last", "metadata"]);
  const { last = 0, metadata = {} } = options;
  if (!Number.isInteger(last) || last < 0 || last > MAX_HISTORY_LIMIT) {
    throw optionInvalid(
      `last is ${String(last)}; it must be an integer from 0 to ${MAX_HISTORY_LIMIT}`,
    );
  }
  let text: string | undefined;
  try {
    text = JSON.stringify(metadata);
  } catch {
    throw optionInvalid("metadata must be an object that JSON can hold");
  }
  if (typeof metadata !== "object" || metadata === null || text?.startsWith("{") !== true) {
    throw optionInvalid("metadata must be an object that JSON can hold");
  }
  if (text.length <= MAX_MEMBER_METADATA) return;
  throw optionInvalid(
    `metadata has ${text.length} characters as JSON; ${MAX_MEMBER_METADATA} are allowed`,
  );
}
