import type { RateOptions } from "../hub/rate_options.ts";

const much = { capacity: 1_000_000, perSecond: 1_000_000 };

/** Limits as they are, with values that nothing reaches which floods a hub on purpose. */
export const raisedRates: Partial<RateOptions> = {
  messages: {
    default: much,
    ping: much,
    subscribe: much,
    unsubscribe: much,
    get_subscriptions: much,
    ack: much,
  },
  connection: 1_000_000,
};
