/**
 * No credential comes out again: not in the log, not in an answer, however it came in and whoever
 * throws it about.
 */
import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { openTcp } from "../adapter/testing/tcp.ts";
import { HeddleError } from "../base/errors.ts";
import { memoryBroker } from "../broker/memory.ts";
import { channel } from "../channel/definition.ts";
import { serving } from "../cli/testing.ts";
import { tokenIssuer } from "../guard/issuer.ts";
import { createHub } from "../hub/hub.ts";
import type { Logger } from "../hub/logger.ts";
import { message } from "../hub/message.ts";
import { changedBroker } from "../testing/changed_broker.ts";
import { connectRaw, connectRefused, type RawClient } from "../testing/raw_client.ts";
import { serveHere } from "../testing/serve.ts";
import { z } from "zod";

const secret = "a secret of at least thirty-two bytes";
const REST = "/api/v1/websocket/status";

/** What must not stand in a text: the whole of a secret, and the part of a JWT that makes it good. */
function assertHidden(text: string, secrets: readonly string[]): void {
  assert(secrets.length > 0);
  for (const one of secrets) {
    for (const part of [one, one.split(".").at(-1)!, encodeURIComponent(one)]) {
      assert(!text.includes(part), `"${part}" is in:\n${text}`);
    }
  }
}

/** Uses a token at every place where one is taken; gives the reconnection tokens it got. */
async function useEverywhere(url: string, token: string): Promise<string[]> {
  const http = url.replace(/^ws/, "http").replace(/\/ws$/, "");
  const encoded = Buffer.from(token).toString("base64url");
  const headers = { Authorization: `Bearer ${token}` };
  const requests = [
    connectRaw(`${url}?token=${token}`),
    connectRaw(`${url}?auth_token=${token}`),
    connectRaw(url, { headers }),
  ];
  const clients = await Promise.all(requests);
  const tokens: string[] = [];
  for (const client of clients) {
    tokens.push(String((await client.json())["reconnection_token"]));
    await client.ask({ type: "authenticate", token });
    client.terminate();
  }
  const offering = { "Sec-WebSocket-Protocol": `heddle.v1, jwt.${encoded}` };
  const tcp = await openTcp(Number(new URL(url).port), "/ws", offering);
  tokens.push(String((await tcp.json())["reconnection_token"]));
  tcp.socket.destroy();
  const again = await connectRaw(`${url}?token=${token}&reconnection_token=${tokens[0]}`);
  tokens.push(String((await again.json())["reconnection_token"]));
  await again.ask({ type: "resume", reconnection_token: tokens[1] });
  again.send(`{"type":"authenticate","token":"${token}"`);
  again.send({ type: "authenticate", token: [token] });
  again.send({ type: token, token });
  await again.ask({ type: "ping" });
  again.terminate();
  await (await fetch(`${http}${REST}`, { headers })).body?.cancel();
  await (await fetch(`${http}${REST}?token=${token}`)).body?.cancel();
  await (await fetch(`${http}/nowhere?token=${token}`, { headers })).body?.cancel();
  return tokens;
}

describe("What a server writes", () => {
  it("holds no token of heddle serve's clients, good or bad, at any level", async () => {
    const { running, url } = await serving({ JWT_SECRET: secret, LOG_LEVEL: "debug" });
    await using server = running;
    const token = await tokenIssuer({ secret }).issue({ userId: "u1", role: "admin" });
    const bad = await tokenIssuer({ secret: `another ${secret}` }).issue({ userId: "u1" });
    const reconnection = await useEverywhere(url, token);
    const encoded = Buffer.from(bad).toString("base64url");
    for (
      const [query, headers] of [
        [`?token=${bad}`, {}],
        [`/lobby?token=${bad}&reconnection_token=${reconnection[2]}`, {}],
        ["", { Authorization: `Bearer ${bad}` }],
        ["", { "Sec-WebSocket-Protocol": `jwt.${encoded}` }],
        [`?token=${bad}`, { Authorization: `Bearer ${token}` }],
      ] as const
    ) {
      const { status, body, headers: answered } = await connectRefused(`${url}${query}`, {
        headers,
      });
      assertEquals(status, 401);
      assertHidden(body + JSON.stringify(answered), [token, bad, encoded, ...reconnection]);
    }
    server.signal("SIGTERM");
    assertEquals(await server.exited, 0, server.stderr);
    assert(server.stderr.includes("connected"), "there is a log");
    assertHidden(server.stdout + server.stderr, [token, bad, encoded, ...reconnection]);
  });

  it("holds none that an application, its authenticator or a broker throws", async () => {
    const token = await tokenIssuer({ secret }).issue({ userId: "u1" });
    const opaque = "0paque-t0ken";
    const lines: string[] = [];
    const write: Logger["info"] = (text, fields) => {
      lines.push(inspect([text, fields], { depth: 20, showHidden: true }));
    };
    const logger: Logger = { debug: write, info: write, warn: write, error: write };
    const memory = memoryBroker();
    const hub = createHub({
      auth: (request) => {
        const cause = new Error(`at ${request.url}`);
        const { searchParams } = new URL(request.url);
        const given = request.headers.get("authorization") ?? searchParams.get("token");
        const details = { request, url: request.url, headers: [...request.headers] };
        const how = searchParams.get("how");
        if (how === "throw") throw Object.assign(new Error(`bad: ${given}`, { cause }), details);
        if (how === "away") throw new HeddleError("unavailable", `bad: ${given}`, { cause });
        if (how === "refuse") throw new HeddleError("unauthorized", `bad: ${given}`, { cause });
        return { userId: "u1", role: "viewer", claims: {} };
      },
      channels: { open: channel() },
      messages: {
        fail: message(z.unknown(), ({ payload }) => {
          throw new Error(`cannot do ${JSON.stringify(payload)}`);
        }),
      },
      broker: changedBroker(memory, {
        sessions: {
          size: 0,
          evicted: 0,
          put: (tokens) => Promise.reject(new Error(`SET ${tokens.join(" ")}`)),
          take: (token) => Promise.reject(new Error(`GET ${token}`)),
          end: () => {},
        },
      }),
      logger,
      onConnect: () => {
        throw new Error(`saw ${token}`);
      },
    });
    const served = await serveHere(hub);
    const url = `${served.url.replace(/^http/, "ws")}/ws`;
    const answers: string[] = [];
    for (const how of ["throw", "away", "refuse"]) {
      for (const one of [token, opaque]) {
        const headers = { Authorization: `Bearer ${one}` };
        for (const options of [{}, { headers }]) {
          const { body } = await connectRefused(`${url}?how=${how}&token=${one}`, options);
          answers.push(body);
        }
        const response = await fetch(`${served.url}${REST}?how=${how}`, { headers });
        answers.push(await response.text());
      }
    }
    const client: RawClient = await connectRaw(`${url}?token=${token}`);
    const reconnection = String((await client.json())["reconnection_token"]);
    answers.push(JSON.stringify(await client.ask({ type: "fail", payload: { token } })));
    const guess = "A".repeat(43);
    answers.push(JSON.stringify(await client.ask({ type: "resume", reconnection_token: guess })));
    await client.close(3000);
    await hub.drain({ spread: 0 });
    await served.close();
    await memory.close();
    assert(lines.length >= 12, `${lines.length} lines`);
    assertHidden(lines.join("\n"), [token, opaque, reconnection, guess]);
    assertHidden(answers.join("\n"), [token, opaque, guess]);
    assert(lines.some((line) => line.includes("a session could not be kept")), lines.join("\n"));
  });
});
