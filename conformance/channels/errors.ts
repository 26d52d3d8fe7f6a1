/**
 * Cases of PROTOCOL.md, "Errors".
 *
 * @module
 */
import type { Case } from "../case.ts";
import { check, expect, watch } from "./check.ts";
import type { Client } from "./client.ts";
import type { Server } from "./server.ts";

/** Makes the server answer with errors of as many kinds as any client can. */
async function provoke(server: Server, client: Client): Promise<void> {
  const channel = server.unknownChannel();
  const publish = { type: "publish", event_type: "kit", data: 1 };
  await client.refusedText("{", "invalid_json");
  await client.refusedText("{}", "invalid_message");
  await client.refused({ type: "kit.nobody" }, "unknown_type");
  await client.refused({ ...publish, channel: "no name" }, "invalid_channel");
  await client.refused({ ...publish, channel }, "unknown_channel");
  await client.refused({ ...publish, channel: "@all" }, "forbidden");
  await client.refused({ type: "resume", reconnection_token: "kit" }, "session_expired");
  await client.ok({ type: "subscribe", channels: [channel, "no name", "@all"] });
  const large = "x".repeat(client.limit("text_bytes", 10_240));
  await client.refusedText(`{"type":"ping","x":"${large}"}`, "message_too_large");
}

/** What tells where in a server's code something arose: a file with its line, a frame of a stack. */
const WHERE = /\.(?:[cm]?[jt]sx?|py|go|rs|java|rb|php|exs?|cs):\d+|\n\s+at |Traceback|node_modules/;

export const cases: readonly Case[] = [
  watch("HDL-ERR-1", "codes", "every error has a code of the table", async (server) => {
    await provoke(server, await server.connect());
  }),
  watch("HDL-ERR-2", "recoverable", "and is recoverable as the table says", async (server) => {
    await provoke(server, await server.connect());
  }),
  check("HDL-ERR-6", "lives", "an error does not close the connection", async (server) => {
    const client = await server.connect();
    await provoke(server, client);
    client.sendBytes(Uint8Array.of(9, 9, 9));
    await client.nextAnswer("an error");
    await client.alive();
  }),
  check("HDL-ERR-4", "where", "no error tells where in the server it arose", async (server) => {
    const client = await server.connect();
    await provoke(server, client);
    if (server.offer.application?.includes("kit.fail") === true) {
      await client.refused(server.application("kit.fail"), "internal");
    }
    for (const { message } of client.received.filter(({ message }) => message.type === "error")) {
      const said = JSON.stringify([message["message"], message["help"]]);
      expect(!WHERE.test(JSON.parse(said).join("\n")), "no place in the server's code", message);
      expect(!said.includes("secret"), "nothing of the handler's own words", message);
    }
  }),
  check("HDL-ERR-4", "others", "nor anything of another user's", async (server) => {
    const user = server.user();
    const other = await server.connect({ user });
    const client = await server.connect();
    await client.refused({ type: "resume", reconnection_token: other.token }, "session_expired");
    await client.refused(
      { type: "publish", channel: `@user:${user}`, event_type: "kit", data: 1 },
      "forbidden",
    );
    const said = JSON.stringify(
      client.received.filter(({ message }) => message.type === "error")
        .map(({ message }) => [message["message"], message["help"]]),
    );
    for (const secret of [other.id, other.token]) {
      expect(!said.includes(secret), "no id and no token of another's", said);
    }
  }),
];
