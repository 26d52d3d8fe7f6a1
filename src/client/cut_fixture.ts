/**
 * A hub, a client and the proxy between them, which cuts.
 *
 * @module
 */
import { WebSocket } from "ws";
import { z } from "zod";
import { channel } from "../channel/definition.ts";
import type { Identity } from "../guard/identity.ts";
import { createHub } from "../hub/hub.ts";
import { message } from "../hub/message.ts";
import type { Delivery, UserLimitPolicy } from "../hub/options.ts";
import { CuttingProxy } from "../testing/proxy.ts";
import { raisedRates } from "../testing/raised_rates.ts";
import { endAll, next, serveHub } from "./fixture.ts";
import { type Client, type ClientOptions, createClient, type GapInfo } from "./mod.ts";

const open = { "*": ["subscribe", "broadcast"] } as const;
export const quick = { initialDelay: 1, maxDelay: 20, attempts: 0 };
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

interface Rig {
  readonly ttl?: number;
  readonly inFlight?: number;
  readonly size?: number;
  readonly identity?: () => Identity;
  readonly connectionsPerUser?: number;
  readonly userLimitPolicy?: UserLimitPolicy;
}

/** A socket that can be lost on this side alone: the other does not learn of it. */
export class LosableSocket extends WebSocket {
  static readonly open = new Set<LosableSocket>();
  #isLost = false;

  constructor(url: string, protocols: string[]) {
    super(url, protocols);
    LosableSocket.open.add(this);
  }

  override close(code?: number, reason?: string): void {
    if (!this.#isLost) super.close(code, reason);
  }

  static loseAll(): void {
    for (const socket of LosableSocket.open) {
      const { onclose } = socket;
      socket.#isLost = true;
      socket.onmessage = socket.onerror = socket.onclose = null;
      onclose?.call(socket, { code: 1006, reason: "" } as Parameters<typeof onclose>[0]);
    }
    LosableSocket.open.clear();
  }
}

const clients = new Set<Client>();
const proxies = new Set<CuttingProxy>();

/** Ends all that {@linkcode setup} began; for `afterEach`. */
export async function release(): Promise<void> {
  for (const proxy of proxies) await proxy.close();
  for (const client of clients) await client.disconnect();
  clients.clear();
  proxies.clear();
  await endAll();
}

export async function setup(
  {
    ttl = 60_000,
    inFlight = 64,
    size = 1_000,
    identity,
    connectionsPerUser = 5,
    userLimitPolicy,
  }: Rig = {},
  options: Partial<ClientOptions> = {},
) {
  const handled: number[] = [];
  const deliveries: Delivery[] = [];
  const doors: (() => void)[] = [];
  const hub = createHub({
    auth: identity ?? (() => ({ userId: "u1", role: "viewer", claims: {} })),
    channels: {
      news: channel({ permissions: open, history: { size, ttl: 60_000, bytes: 1_000_000 } }),
      sure: channel({ permissions: open, ack: true }),
      "room:*": channel({ permissions: open, presence: true }),
      staff: channel({ permissions: { staff: ["subscribe"] } }),
    },
    messages: {
      note: message(z.object({ n: z.number() }), ({ payload, reply }) => {
        handled.push(payload.n);
        reply("noted", payload);
      }),
      slow: message(z.object({ n: z.number() }), async ({ payload }) => {
        await new Promise<void>((resolve) => setTimeout(resolve, 1));
        handled.push(payload.n);
      }),
      knock: message(z.object({}), async ({ reply }) => {
        await new Promise<void>((resolve) => doors.push(resolve));
        reply("opened");
      }),
    },
    limits: { inFlight, connectionsPerUser },
    userLimitPolicy,
    rates: raisedRates,
    rooms: "room:",
    session: { ttl },
    acknowledgement: { interval: 200, retries: 100 },
    onDelivery: (delivery) => void deliveries.push(delivery),
    logger: quiet,
  });
  const served = await serveHub(hub);
  const proxy = await CuttingProxy.open(served.port);
  proxies.add(proxy);
  const url = `${proxy.url}/ws`;
  const make = (more: Partial<ClientOptions> = {}) => {
    const client = createClient<typeof hub>({ url, reconnect: quick, ...options, ...more });
    clients.add(client as unknown as Client);
    return client;
  };
  const client = make();
  const gaps: GapInfo[] = [];
  client.on("gap", (gap) => void gaps.push(gap));
  const incomplete: string[] = [];
  client.on("recovered", ({ channel, recovered }) => {
    if (!recovered) incomplete.push(channel);
  });
  return { hub, client, proxy, make, gaps, incomplete, handled, deliveries, doors };
}

type Setup = Awaited<ReturnType<typeof setup>>;

/** Cuts the client off and keeps it away while something happens. */
export async function away(
  { client, proxy }: Setup,
  work: () => Promise<void> | void,
): Promise<void> {
  const lost = next(client, "reconnecting");
  proxy.refuse();
  proxy.cut("reset");
  await lost;
  await work();
  const back = next(client, "connected");
  proxy.flow();
  await back;
}

/** Waits until something is so, which a test could only wait for otherwise by time. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** The numbers from 1 on. */
export const count = (to: number, from = 1) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

export function publishAll({ hub }: Setup, numbers: readonly number[]): Promise<unknown> {
  return Promise.all(numbers.map((n) => hub.channel("news").publish("item", { n })));
}

export const numberOf = ({ data }: { readonly data: unknown }) => (data as { n: number }).n;

/** Where the hub itself listens, past the proxy. */
export function hubPort({ proxy }: Setup): number {
  return proxy.target;
}
