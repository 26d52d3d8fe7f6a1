/**
 * Cases of PROTOCOL.md, "Liveness". They take as long as the server's heartbeat does.
 *
 * @module
 */
import type { Case } from "../case.ts";
import { Broken, Skipped } from "../peer/finding.ts";
import type { Incoming } from "../peer/incoming.ts";
import { awakeNow } from "../wire/clock.ts";
import { check, expect } from "./check.ts";
import type { Client } from "./client.ts";
import type { Server } from "./server.ts";

/** Seconds of a heartbeat that only the profile `full` waits for. */
const LONG = 10;

/** A client, and the milliseconds of a heartbeat. @throws Skipped where that is long */
async function patient(
  server: Server,
): Promise<{ readonly client: Client; readonly beat: number }> {
  const client = await server.connect();
  const seconds = Number(client.greeting["heartbeat_interval"]);
  if (seconds > LONG && server.peer.profile === "fast") {
    throw new Skipped(`a heartbeat of ${seconds} seconds: runs in --profile full`);
  }
  return { client, beat: seconds * 1000 };
}

/**
 * What came to a client that did not answer while so much time passed: nothing is read meanwhile, so
 * no Ping is answered.
 */
async function silence(server: Server, client: Client, milliseconds: number): Promise<Incoming[]> {
  await server.pause(milliseconds);
  const came: Incoming[] = [];
  // What has come by now is read, and still not answered.
  client.connection.answersPings = false;
  const deadline = awakeNow() + server.timeout;
  for (;;) {
    const left = deadline - awakeNow();
    const next = await client.connection.next("the end of a silent connection", left);
    came.push(next);
    if (next.kind === "close" || next.kind === "end" || next.kind === "garbage") return came;
  }
}

const pings = (came: readonly Incoming[]) => came.filter(({ kind }) => kind === "ping").length;

/** How often a case tries to give signs of life in time. */
const TRIES = 4;

/** Fails unless the connection is there after what gives signs of life for more than three heartbeats. */
async function survives(
  server: Server,
  live: (client: Client, beat: number) => Promise<void>,
): Promise<void> {
  for (let i = 0; i < TRIES; i++) {
    const { client, beat } = await patient(server);
    const [began, awake] = [performance.now(), awakeNow()];
    try {
      await live(client, beat);
      return await client.alive();
    } catch (error) {
      // Then it was silent, whoever it was that the process had no time for.
      const stoodStill = performance.now() - began - (awakeNow() - awake);
      if (!(error instanceof Broken) || stoodStill < beat) throw error;
    }
  }
  throw new Skipped("the kit itself stood still for too long to give signs of life");
}

/** Three heartbeats and a half in which it says something each half of one. */
function saying(server: Server, act: (client: Client) => void) {
  return survives(server, async (client, beat) => {
    for (let i = 0; i < 7; i++) {
      act(client);
      await server.pause(beat / 2);
    }
  });
}

export const cases: readonly Case[] = [
  check("HDL-LIV-1", "pings", "a silent client is sent a Ping, and another", async (server) => {
    const { client, beat } = await patient(server);
    for (let i = 0; i < 2; i++) {
      for (let kind = ""; kind !== "ping";) {
        ({ kind } = await client.connection.next("a Ping frame", beat + server.timeout));
        expect(kind !== "close" && kind !== "end", "a Ping frame", `the ${kind} of the connection`);
      }
    }
  }),
  check("HDL-LIV-2", "messages", "messages are signs of life", async (server) => {
    await saying(server, (client) => client.send({ type: "ping" }));
  }),
  check("HDL-LIV-2", "refused-messages", "also those that are refused", async (server) => {
    await saying(server, (client) => client.sendText("{"));
  }),
  check("HDL-LIV-2", "pongs", "and Pong frames", async (server) => {
    await survives(server, (client, beat) => client.idle(beat * 4));
  }),
  check("HDL-LIV-3", "given-up", "who gives no sign of life is given up", async (server) => {
    const { client, beat } = await patient(server);
    const came = await silence(server, client, beat * 3.5);
    expect(came.at(-1)?.kind !== "garbage", "the end of the connection", came.at(-1));
  }),
  check("HDL-LIV-4", "code", "with 4408", async (server) => {
    const { client, beat } = await patient(server);
    const last = (await silence(server, client, beat * 3.5)).at(-1);
    const code = last?.kind === "close" ? last.code : null;
    expect(code === 4408, "a Close frame 4408", String(code));
  }),
  check("HDL-LIV-5", "no-json-ping", "who only answers Pings is not", async (server) => {
    await survives(server, (client, beat) => client.idle(beat * 4));
  }),
  check("HDL-LIV-6", "pinged-before", "nobody is given up who was sent no Ping", async (server) => {
    const { client, beat } = await patient(server);
    const came = await silence(server, client, beat * 3.5);
    expect(pings(came) > 0, "a Ping before the end", `${came.length} frames without one`);
  }),
];
