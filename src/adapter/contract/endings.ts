/**
 * How connections end: the capabilities an adapter declares, liveness, drain.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { manualClock } from "../../base/clock.ts";
import type { AnyHub } from "../../hub/hub.ts";
import type { ConnectionInfo } from "../../hub/info.ts";
import { closeTable } from "../../protocol/close.ts";
import { CLOSE_TIMEOUT, stage } from "../testing/stage.ts";
import { closeCode, closeFrame, frame, opcodes, openTcp, TcpClient } from "../testing/tcp.ts";
import type { Subject } from "./subject.ts";

/** The status a handshake is answered with; the connection, where there is one, is cut at once. */
async function statusOf(port: number): Promise<number> {
  const client = new TcpClient(port);
  const { status } = await client.request("/ws");
  client.reset();
  return status;
}

/** Declares the tests of endings. */
export function endingsContract(subject: Subject): void {
  const { capabilities } = subject;

  describe(`${subject.name}: endings`, () => {
    it("declares what its sockets can do", () =>
      stage(subject, {}, async ({ tcp, sockets }) => {
        await tcp();
        assertEquals((await sockets.next()).capabilities, capabilities);
      }));

    it("tells the hub the peer's close code and reason, 1005 where it gave none", () =>
      stage(subject, {}, async ({ tcp, endings }) => {
        for (
          const [code, reason] of [[1000, ""], [1001, "away"], [4321, "é".repeat(61)]] as const
        ) {
          const client = await tcp();
          client.send(closeFrame(code, reason));
          assertEquals(await client.closeCode(), code);
          client.socket.end();
          assertEquals(await endings.next(), { code, reason });
        }
        const client = await tcp();
        client.send(frame(opcodes.close));
        assertEquals(await client.closeCode(), 1005);
        client.socket.end();
        assertEquals((await endings.next()).code, 1005);
      }));

    it("tells the hub 1006 where the peer resets the connection, or ends it without a Close", () =>
      stage(subject, {}, async ({ tcp, endings, alive }) => {
        const reset = await tcp();
        reset.reset();
        assertEquals((await endings.next()).code, 1006);
        const ended = await tcp();
        ended.socket.end();
        assertEquals((await endings.next()).code, 1006);
        const halfway = await tcp();
        halfway.send(frame(opcodes.text, "x".repeat(100)).subarray(0, 50));
        halfway.reset();
        assertEquals((await endings.next()).code, 1006);
        await alive();
      }));

    it("keeps for a session what is published after its client has said it closes", () =>
      stage(subject, {}, async ({ hub, server, client }) => {
        const leaving = await openTcp(server.port);
        const token = (await leaving.json())["reconnection_token"];
        leaving.send(frame(opcodes.text, '{"type":"subscribe","channels":["news"]}'));
        assertEquals((await leaving.json())["type"], "subscribed");
        leaving.send(closeFrame(1001));
        await leaving.nextOf(opcodes.close);
        await hub.channel("news").publish("n", 1);
        const back = await client(`/ws?reconnection_token=${token}`);
        assertEquals((await back.json())["reconnected"], true);
        assertEquals((await back.json())["offset"], 1);
        leaving.socket.destroy();
      }));

    it("closes with the code and reason it is told", () =>
      stage(subject, {}, async ({ hub, client, endings }) => {
        for (
          const [code, reason] of [[1000, ""], [1008, "policy"], [4999, "é".repeat(61)]] as const
        ) {
          const connection = await client();
          const { client_id } = await connection.nextOf("connected");
          assert(hub.disconnect(String(client_id), { code, reason }));
          const sent = capabilities.closeCodes || code === 1000 || code > 3000 ? code : code + 3000;
          assertEquals(await connection.closed, { code: sent, reason });
          assertEquals(await endings.next(), { code, reason });
        }
      }));

    it("closes with its code and what it said before also a peer that goes on sending", () =>
      stage(subject, { rates: {} }, async ({ client, endings }) => {
        for (let times = 0; times < 5; times++) {
          const connection = await client();
          // The last few hundred stand unread where the connection is closed for the first refusals.
          for (let i = 0; i < 400; i++) connection.send({ type: "ping" });
          assertEquals((await connection.nextOf("disconnected"))["reason"], "abuse");
          assertEquals((await connection.closed).code, 4429);
          assertEquals((await endings.next()).code, 4429);
        }
      }));

    it("hears at once of the end of a connection that the application closes as it comes", () => {
      let hub: AnyHub | undefined;
      const ending = { code: 4000, reason: "not now" };
      const options = {
        clock: manualClock(),
        onConnect: ({ clientId }: ConnectionInfo) => void hub?.disconnect(clientId, ending),
      };
      return stage(subject, options, async (stage) => {
        ({ hub } = stage);
        const connection = await stage.client();
        assertEquals(await connection.closed, ending);
        assertEquals(await stage.endings.next(), ending);
        assertEquals(hub.stats().connections, 0);
      });
    });

    it(`${capabilities.closeCodes ? "can" : "cannot"} send close codes of RFC 6455`, () =>
      stage(subject, {}, async ({ tcp, sockets }) => {
        for (const code of [1001, 1008, 1011, 1012, 1013]) {
          const client = await tcp();
          const socket = await sockets.next();
          socket.close(code, "why");
          const sent = await client.closeCode();
          assertEquals(sent === code, capabilities.closeCodes);
          client.socket.end(closeFrame(code));
        }
      }));

    it(`${capabilities.pings ? "sends pings, and hears pongs" : "can send no pings"}`, () =>
      stage(subject, {}, async ({ tcp, sockets, pongs }) => {
        const client = await tcp();
        const socket = await sockets.next();
        socket.ping();
        socket.send("after");
        const next = await client.frame();
        assertEquals(next?.opcode, capabilities.pings ? opcodes.ping : opcodes.text);
        if (!capabilities.pings) return;
        client.send(frame(opcodes.pong, next!.payload));
        await pongs.next();
        client.send(frame(opcodes.ping));
        await pongs.next(); // a Ping of the peer's is a sign of life too
      }));

    it(`${capabilities.terminate ? "cuts" : "cannot cut"} a connection at once`, () =>
      stage(subject, {}, async ({ tcp, sockets, alive }) => {
        const client = await tcp();
        const socket = await sockets.next();
        socket.terminate();
        if (capabilities.terminate) {
          assertEquals(await client.frame(), undefined);
          return;
        }
        assertEquals((await client.frame())?.opcode, opcodes.close);
        await alive();
        assert(!client.hasEnded, "it was cut, though that is declared impossible");
        client.socket.end(closeFrame(1000));
        await client.ended;
      }));

    it("gives up a peer that never answers a Close frame, after 5 s", () => {
      const clock = manualClock();
      return stage(subject, { clock }, async ({ hub, tcp, endings, alive }) => {
        const client = await tcp();
        const { clientId } = hub.connections()[0]!;
        hub.disconnect(clientId, closeTable.service_restart);
        assertEquals(closeCode(await client.nextOf(opcodes.close)), 1012);
        clock.advance(CLOSE_TIMEOUT);
        assertEquals((await endings.next()).code, 1012);
        assertEquals(hub.stats().connections, 0);
        if (capabilities.terminate) await client.ended;
        await alive();
      });
    });

    it(`${capabilities.terminate ? "has room again once" : "counts a socket until"} it is gone`, () => {
      const clock = manualClock();
      const limits = { connections: 1 };
      return stage(subject, { clock, limits }, async ({ hub, server, tcp, endings, client }) => {
        const stayer = await tcp();
        hub.disconnect(hub.connections()[0]!.clientId, closeTable.service_restart);
        await stayer.nextOf(opcodes.close);
        clock.advance(CLOSE_TIMEOUT);
        await endings.next();
        assertEquals(hub.stats().connections, 0);
        if (!capabilities.terminate) {
          assertEquals(await statusOf(server.port), 503);
          stayer.socket.end(closeFrame(1012));
          while (await statusOf(server.port) === 503); // until its end has come through
          await endings.next();
        }
        assertEquals((await (await client()).json())["type"], "connected");
      });
    });

    if (subject.liveness === "hub") {
      it("keeps a peer that answers pings, and gives up one that does not, with 4408", () => {
        const clock = manualClock();
        const heartbeat = { interval: 30_000, timeout: 90_000 };
        return stage(subject, { clock, heartbeat }, async ({ hub, tcp, pongs, endings }) => {
          const client = await tcp();
          for (let i = 0; i < 5; i++) {
            clock.advance(30_100);
            const { payload } = await client.nextOf(opcodes.ping);
            client.send(frame(opcodes.pong, payload));
            await pongs.next();
          }
          assertEquals(hub.connections().length, 1);
          clock.advance(90_100);
          assertEquals(closeCode(await client.nextOf(opcodes.close)), 4408);
          client.socket.end(closeFrame(4408));
          assertEquals((await endings.next()).code, 4408);
        });
      });
    } else {
      it("keeps a peer that answers the runtime's pings, and gives up one that does not", () =>
        stage(
          subject,
          // By its own clock: what is answered must not come late on a busy machine.
          { heartbeat: { interval: 2_000, timeout: 4_000 } },
          async ({ hub, tcp, endings }) => {
            const client = await tcp();
            for (let i = 0; i < 2; i++) {
              const { payload } = await client.nextOf(opcodes.ping);
              client.send(frame(opcodes.pong, payload));
            }
            assertEquals(hub.connections().length, 1);
            assertEquals(closeCode(await client.nextOf(opcodes.close)), 1001);
            assertEquals((await endings.next()).code, 4408);
          },
        ));
    }

    it("drains: tells each client, closes with 1012, and takes no more", () =>
      stage(subject, {}, async ({ hub, client, endings }) => {
        const clients = await Promise.all([client(), client(), client()]);
        for (const connection of clients) await connection.nextOf("connected");
        await hub.drain();
        for (const connection of clients) {
          const { reason } = await connection.nextOf("disconnected");
          assertEquals(reason, "service restart");
          assertEquals(await connection.closed, { code: 1012, reason: "service restart" });
          assertEquals((await endings.next()).code, 1012);
        }
        assertEquals(hub.stats().connections, 0);
      }));
  });
}
