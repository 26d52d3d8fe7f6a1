/**
 * A hub that the conformance kit can judge whole: every kind of channel, timings that do not keep it
 * waiting, and the application's messages that CASES.md names.
 *
 * @module
 */
import { z } from "zod";
import { channel, conflate } from "../../channel/definition.ts";
import { jwtAuth } from "../../guard/jwt.ts";
import { type AnyHub, createHub } from "../../hub/hub.ts";
import { message } from "../../hub/message.ts";
import type { Logger } from "../../hub/logger.ts";
import type { RateOptions } from "../../hub/rate_options.ts";
import { raisedRates } from "../raised_rates.ts";

/** What the hub's tokens are signed with; the profile says the same. */
export const KIT_SECRET = "what the kit and its target share";

const everything = ["subscribe", "broadcast"] as const;
const all = { "*": everything };
const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };

const place = z.union([
  z.object({ channel: z.string() }),
  z.object({ user: z.string() }),
  z.object({ client: z.string() }),
  z.object({ everyone: z.literal(true) }),
]);

const publication = z.object({
  to: place,
  event_type: z.string(),
  data: z.unknown(),
  ack: z.boolean().optional(),
  exclude: z.object({
    users: z.array(z.string()).optional(),
    clients: z.array(z.string()).optional(),
  }).optional(),
});

/** One bucket is left as it is, to be emptied; the others are out of the way. */
const raised: Partial<RateOptions> = {
  ...raisedRates,
  messages: { ...raisedRates.messages, get_subscriptions: {} },
};

/** Makes the hub that `profile.json` describes. */
export function createKitHub(rates: Partial<RateOptions> = raised): AnyHub {
  const waiting = new Map<string, () => void>();
  const publisher = (to: z.infer<typeof place>) => {
    if ("channel" in to) return (hub as AnyHub).channel(to.channel);
    if ("user" in to) return hub.user(to.user);
    return "client" in to ? hub.client(to.client) : hub.everyone();
  };
  const hub = createHub({
    auth: jwtAuth({ secret: KIT_SECRET, anonymous: true }),
    logger: silent,
    rooms: "room:",
    channels: {
      "open.*": channel({ description: "Anybody may do anything", permissions: all }),
      "quiet.*": channel({ permissions: all, echo: false }),
      "read.*": channel({ permissions: { admin: everything, "*": ["subscribe"] } }),
      "post.*": channel({ permissions: { admin: everything, "*": ["broadcast"] } }),
      "secret.*": channel({ permissions: { admin: everything } }),
      "schema.*": channel({
        permissions: all,
        events: { reading: z.object({ value: z.number() }) },
      }),
      "few.*": channel({ permissions: all, history: { size: 5 } }),
      "brief.*": channel({ permissions: all, history: { ttl: 1_000 } }),
      "present.*": channel({ permissions: all, presence: { grace: 500, coalesce: 20 } }),
      "crowd.*": channel({
        permissions: all,
        presence: { grace: 500, coalesce: 20, maxMembers: 3 },
      }),
      "nest.*": channel({ permissions: all }),
      "nest.inner.*": channel({ permissions: { admin: everything } }),
      "nest.inner.exact": channel({ permissions: all }),
      "nest.exact": channel({ permissions: { admin: everything } }),
      "ack.*": channel({ permissions: all, ack: true }),
      "drop.*": channel({ permissions: all, overflow: "drop-oldest" }),
      "newest.*": channel({
        permissions: all,
        overflow: conflate((data) => String((data as { readonly key?: unknown }).key)),
      }),
      "room:*": channel({ permissions: all, echo: false, presence: { grace: 500, coalesce: 20 } }),
      "room:private*": channel({ permissions: { admin: everything } }),
    },
    messages: {
      "kit.publish": message(publication, async ({ payload, reply }) => {
        const { to, event_type, data, ack, exclude = {} } = payload;
        const { epoch, offset } = await publisher(to).publish(event_type, data, {
          ...(ack === undefined ? {} : { ack }),
          exclude: {
            ...(exclude.users === undefined ? {} : { users: exclude.users }),
            ...(exclude.clients === undefined ? {} : { clients: exclude.clients }),
          },
        });
        reply("kit.done", { epoch, offset });
      }),
      "kit.unsubscribe": message(
        z.object({ client: z.string(), channels: z.array(z.string()) }),
        ({ payload, reply }) => {
          hub.unsubscribe(payload.client, payload.channels, "the kit asked for it");
          reply("kit.done");
        },
      ),
      "kit.revoke": message(
        z.object({ user: z.string().optional(), token: z.string().optional() }),
        async ({ payload: { user, token }, reply }) => {
          if (user !== undefined) await hub.revoke({ userId: user });
          if (token !== undefined) await hub.revoke({ tokenId: token });
          reply("kit.done");
        },
      ),
      "kit.close": message(
        z.object({ client: z.string(), code: z.number(), reason: z.string() }),
        ({ payload: { client, code, reason }, reply }) => {
          reply("kit.done");
          hub.disconnect(client, { code, reason });
        },
      ),
      "kit.echo": message(
        z.object({ content: z.unknown().optional(), times: z.number().int().min(0).default(1) }),
        ({ payload: { content, times }, reply }) => {
          for (let i = 0; i < times; i++) reply("kit.done", { content });
        },
      ),
      "kit.fail": message(z.object({}), () => {
        throw new Error("a secret of the handler's");
      }),
      "kit.wait": message(
        z.object({ id: z.string() }),
        ({ payload: { id }, reply, signal }) =>
          new Promise<void>((resolve) => {
            const end = () => {
              waiting.delete(id);
              reply("kit.done");
              resolve();
            };
            waiting.set(id, end);
            signal.addEventListener("abort", end, { once: true });
          }),
      ),
      "kit.release": message(z.object({ id: z.string() }), ({ payload: { id }, reply }) => {
        waiting.get(id)?.();
        reply("kit.done");
      }),
    },
    limits: {
      binary: 524_288,
      outbox: 1_048_576,
      lag: 100,
      subscriptions: 40,
      inFlightBytes: 400_000,
    },
    heartbeat: { interval: 2_000, timeout: 6_000 },
    session: { ttl: 3_000 },
    rates,
    acknowledgement: { interval: 300, retries: 2, waiting: 50 },
  });
  return hub;
}
