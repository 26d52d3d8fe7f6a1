/**
 * Cases of PROTOCOL.md, "Connecting".
 *
 * @module
 */
import type { Case } from "../case.ts";
import { check, expect } from "./check.ts";
import { REFUSALS } from "./protocol.ts";
import type { Server } from "./server.ts";
import { isRecord } from "./shape.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** The subprotocol that is selected where these are offered; null for none. */
async function selected(
  server: Server,
  ...subprotocols: readonly string[]
): Promise<string | null> {
  const handshake = await server.handshake({ subprotocols });
  await server.client(handshake).greet();
  return handshake.values("Sec-WebSocket-Protocol")[0] ?? null;
}

/** A request that is refused by this status and name. */
function refusal(
  name: string,
  title: string,
  status: number,
  error: string,
  headers: Readonly<Record<string, string | null>>,
  method = "GET",
): Case {
  return check("HDL-CON-6", name, title, async (server) => {
    const handshake = await server.peer.handshake({ method, path: server.path(), headers });
    handshake.expectRefused([status]);
    const row = REFUSALS.some((one) => one.status === status && one.error === error);
    expect(row, `a row ${status} ${error} in PROTOCOL.md`, "none");
  });
}

export const cases: readonly Case[] = [
  check("HDL-CON-12", "get", "a connection is taken by GET on the endpoint", async (server) => {
    const client = await server.connect();
    await client.alive();
  }),
  check(
    "HDL-CON-2",
    "no-subprotocol",
    "without a subprotocol the messages are the same",
    async (server) => {
      const [with1, without] = [
        await server.connect(),
        await server.connect({ subprotocols: [] }),
      ];
      const names = (message: object) => Object.keys(message).sort().join(", ");
      expect(
        names(with1.greeting) === names(without.greeting),
        `connected with ${names(with1.greeting)}`,
        names(without.greeting),
      );
      const { name } = server.channel({ may: ["subscribe"] });
      await without.subscribe(name);
      await without.alive();
    },
  ),
  check(
    "HDL-CON-3",
    "selected",
    "heddle.v1 is selected where it is offered alone",
    async (server) => {
      const protocol = await selected(server, "heddle.v1");
      expect(protocol === "heddle.v1", "heddle.v1 selected", String(protocol));
    },
  ),
  check(
    "HDL-CON-3",
    "among-others",
    "heddle.v1 is selected among others, wherever it stands",
    async (server) => {
      const protocol = await selected(server, "chat", "heddle.v1", "graphql-ws");
      expect(protocol === "heddle.v1", "heddle.v1 selected", String(protocol));
    },
  ),
  check(
    "HDL-CON-4",
    "unknown-alone",
    "nothing is selected of what the server does not know",
    async (server) => {
      const protocol = await selected(server, "chat", "superchat");
      expect(protocol === null, "no subprotocol selected", String(protocol));
    },
  ),
  check(
    "HDL-CON-4",
    "none-offered",
    "nothing is selected where nothing is offered",
    async (server) => {
      const protocol = await selected(server);
      expect(protocol === null, "no subprotocol selected", String(protocol));
    },
  ),
];

export { isRecord, refusal, UUID };
