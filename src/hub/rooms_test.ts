/** Rooms by their path, over real sockets, on each adapter of this runtime. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { subjects } from "../adapter/contract/subjects.ts";
import type { Server } from "../adapter/server.ts";
import { HeddleError } from "../base/errors.ts";
import { channel } from "../channel/definition.ts";
import { allowAnonymous } from "../guard/identity.ts";
import { connectRaw, connectRefused } from "../testing/raw_client.ts";
import { createHub } from "./hub.ts";

type Message = Readonly<Record<string, unknown>>;

function newHub(onDisconnect: () => void = () => {}) {
  return createHub({
    auth: (request) => {
      const { searchParams } = new URL(request.url);
      const role = searchParams.get("role") ?? "viewer";
      if (role === "refused") throw new HeddleError("unauthorized", "not this one");
      return { userId: searchParams.get("user"), role, claims: {} };
    },
    channels: {
      "room:*": channel({
        presence: { coalesce: 0 },
        echo: false,
        permissions: { viewer: ["subscribe", "broadcast"] },
      }),
    },
    rooms: "room:",
    onDisconnect,
  });
}

/** Closes the server where the test ends, also where it fails; before the hub, which then waits for nobody. */
async function serving(opening: Promise<Server>): Promise<Server & AsyncDisposable> {
  const server = await opening;
  return { ...server, [Symbol.asyncDispose]: () => server.close() };
}

describe("createHub()", () => {
  it("refuses rooms that no declared channel covers", () => {
    for (const rooms of ["room:", "", "no room "]) {
      const error = assertThrows(
        () => createHub({ auth: allowAnonymous(), channels: { room: channel() }, rooms }),
        HeddleError,
        rooms,
      );
      assertEquals(error.code, "option_invalid");
    }
  });
});

for (const subject of subjects) {
  describe(`${subject.name}: rooms`, () => {
    it("are joined by the path, before the greeting, which lists them", async () => {
      await using hub = newHub();
      await using server = await serving(subject.serve(hub, { port: 0 }));
      const url = server.url.replace(/^http/, "ws");
      const ann = await connectRaw(`${url}/ws/lobby?user=ann&display_name=Ann%20A.`);
      const connected = await ann.json();
      assertEquals([connected["type"], connected["channels"]], ["connected", ["room:lobby"]]);
      const positions = connected["positions"] as Message;
      assert("room:lobby" in positions && "@all" in positions && "@user:ann" in positions);
      const bob = await connectRaw(`${url}/ws/lobby?user=bob`);
      const bobConnected = await bob.json();
      const join = await ann.json();
      assertEquals([join["event_type"], join["channel"]], ["presence.join", "room:lobby"]);
      assertEquals((join["data"] as Message)["user_id"], "bob");
      const { members } = await bob.ask({ type: "presence", channel: "room:lobby" });
      assertEquals((members as Message[]).map(({ metadata }) => metadata), [
        { display_name: "Ann A." },
        null,
      ]);
      // The sender is left out, the others are not.
      const say = { type: "publish", channel: "room:lobby", event_type: "chat", data: "hi" };
      assertEquals((await bob.ask(say))["type"], "published");
      const event = await ann.json();
      assertEquals([event["event_type"], event["data"], event["offset"]], ["chat", "hi", 1]);
      const { channels } = await bob.ask({ type: "get_subscriptions" });
      assertEquals(channels, ["room:lobby"]);
      await bob.close();
      assertEquals((await ann.nextOf("event"))["data"], {
        user_id: "bob",
        client_id: bobConnected["client_id"],
        metadata: null,
        connections: 0,
        count: 1,
      });
      ann.terminate();
    });

    it("are resumed by the path and the token together, each event once", async () => {
      let ended = () => {};
      const hasEnded = new Promise<void>((resolve) => ended = resolve);
      await using hub = newHub(() => ended());
      await using server = await serving(subject.serve(hub, { port: 0 }));
      const url = `${server.url.replace(/^http/, "ws")}/ws/lobby?user=ann`;
      const first = await connectRaw(url);
      const connected = await first.json();
      const tooLate = await first.ask({ type: "resume", reconnection_token: "x" });
      assertEquals(tooLate["code"], "invalid_message");
      first.terminate();
      await hasEnded;
      await hub.channel("room:lobby").publish("chat", 1);
      const token = String(connected["reconnection_token"]);
      const again = await connectRaw(`${url}&reconnection_token=${token}`);
      const resumed = await again.json();
      assertEquals([resumed["reconnected"], resumed["channels"]], [true, ["room:lobby"]]);
      await hub.channel("room:lobby").publish("chat", 2);
      assertEquals([(await again.json())["data"], (await again.json())["data"]], [1, 2]);
      const other = await connectRaw(
        url.replace("lobby", "other") +
          `&reconnection_token=${String(resumed["reconnection_token"])}`,
      );
      assertEquals((await other.json())["channels"], ["room:lobby", "room:other"]);
      other.terminate();
    });

    it("are refused before the upgrade where they cannot be joined", async () => {
      await using hub = newHub();
      await using server = await serving(subject.serve(hub, { port: 0 }));
      const url = server.url.replace(/^http/, "ws");
      const refusals = [
        ["/ws/config", 400, "invalid_room"],
        ["/ws/stats", 400, "invalid_room"],
        ["/ws/a%20room", 400, "invalid_room"],
        ["/ws/%E0%A4%A", 400, "invalid_room"],
        ["/ws/%00", 400, "invalid_room"],
        [`/ws/${"x".repeat(196)}`, 400, "invalid_room"],
        [`/ws/lobby?display_name=${"x".repeat(129)}`, 400, "invalid_display_name"],
        ["/ws/lobby?role=refused", 401, "unauthorized"],
        ["/ws/lobby?role=stranger", 403, "forbidden"],
        ["/ws/lobby/stats", 404, "not_found"],
        ["/elsewhere/lobby", 404, "not_found"],
      ] as const;
      for (const [path, status, error] of refusals) {
        const refused = await connectRefused(url + path);
        assertEquals([path, refused.status, JSON.parse(refused.body).error], [path, status, error]);
      }
      const longest = await connectRaw(`${url}/ws/${"x".repeat(195)}`);
      assertEquals((await longest.json())["channels"], [`room:${"x".repeat(195)}`]);
      longest.terminate();
    });

    it("leave the other resources under the path as they are", async () => {
      await using hub = newHub();
      await using server = await serving(subject.serve(hub, { port: 0 }));
      const answers = [
        ["GET", "/ws/config", 200],
        ["GET", "/ws/stats", 404],
        ["GET", "/ws/lobby", 426],
        ["POST", "/ws/lobby", 405],
        ["GET", "/ws/lobby/stats", 404],
      ] as const;
      for (const [method, path, status] of answers) {
        const answer = await fetch(server.url + path, { method });
        assertEquals([method, path, answer.status], [method, path, status]);
        await answer.body?.cancel();
      }
      const plain = await connectRaw(`${server.url.replace(/^http/, "ws")}/ws`);
      assertEquals((await plain.json())["channels"], undefined);
      plain.terminate();
    });

    it("are served by hubs that are mounted in an application, each its own", async () => {
      await using one = newHub();
      await using two = newHub();
      await using none = createHub({ auth: allowAnonymous() });
      const hubs = { "/one": one, "/deep/two": two, "/none": none };
      await using server = await serving(subject.serveApp(hubs));
      const url = server.url.replace(/^http/, "ws");
      const first = await connectRaw(`${url}/one/ws/lobby?user=ann`);
      const second = await connectRaw(`${url}/deep/two/ws/lobby?user=bob`);
      assertEquals((await first.json())["channels"], ["room:lobby"]);
      assertEquals((await second.json())["channels"], ["room:lobby"]);
      assertEquals((await one.presence("room:lobby"))?.members?.map((member) => member.userId), [
        "ann",
      ]);
      assertEquals((await connectRefused(`${url}/none/ws/lobby`)).status, 404);
      for (const client of [first, second]) client.terminate();
    });
  });
}
