/**
 * A hub of the application, and a client of it.
 *
 * @module
 */
import { assertEquals, assertRejects } from "@std/assert";
import { z } from "zod";
import { channel } from "../channel/definition.ts";
import { type Identity } from "../guard/identity.ts";
import { HeddleError } from "../base/errors.ts";
import { createHub } from "../hub/hub.ts";
import { message } from "../hub/message.ts";
import { given } from "../testing/given.ts";
import { serveHub } from "./fixture.ts";
import { createClient, RefusedError } from "./mod.ts";

const open = { "*": ["subscribe", "broadcast"] } as const;

function makeHub(identity: Identity = { userId: "u1", role: "viewer", claims: {} }) {
  return createHub({
    auth: () => identity,
    channels: {
      metrics: channel({ events: { sample: z.object({ n: z.number() }) }, permissions: open }),
      "room:*": channel({ permissions: open }),
      camera: channel({ permissions: open }),
      secret: channel({ permissions: { admin: ["subscribe"] } }),
    },
    messages: {
      echo: message(z.object({ text: z.string() }), ({ payload, reply }) => {
        reply("echoed", payload);
      }),
      count: message(z.object({ to: z.number() }), async ({ payload, reply }) => {
        for (let n = 1; n <= payload.to; n++) {
          await Promise.resolve();
          reply("counted", { n });
        }
        reply("done");
      }),
      fail: message(z.object({}), () => {
        throw new Error("no luck");
      }),
      silent: message(z.object({}), () => {}),
    },
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  });
}

export async function setup(options: Partial<Parameters<typeof createClient>[0]> = {}) {
  const hub = makeHub();
  const served = await serveHub(hub);
  const client = createClient<typeof hub>({ url: served.url, ...options });
  return {
    hub,
    client,
    url: served.url,
    async [Symbol.asyncDispose]() {
      await client.disconnect();
      await served[Symbol.asyncDispose]();
    },
  };
}

/** Runs a test with a hub and a client that is not connected yet. */
export const withClient = given(setup);

export async function refusal(promise: Promise<unknown>): Promise<string> {
  const error = await assertRejects(() => promise, RefusedError);
  assertEquals(error.code, "refused");
  return error.reason;
}

export async function failure(promise: Promise<unknown>): Promise<string> {
  return (await assertRejects(() => promise, HeddleError)).code;
}
