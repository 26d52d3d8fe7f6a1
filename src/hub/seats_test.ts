/** How many connections one user may have, where sockets do what the test says; others are in the doors. */
import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { manualClock } from "../base/clock.ts";
import type { Identity } from "../guard/identity.ts";
import { FakeSocket } from "../testing/fake_socket.ts";
import { handshakeRequest } from "../testing/handshake_request.ts";
import { createHub } from "./hub.ts";
import type { UserLimitPolicy } from "./options.ts";

const ann: Identity = { userId: "ann", role: "viewer", claims: {} };

/** A hub where ann may have two connections, and whoever else knocks for her. */
function stage(userLimitPolicy: UserLimitPolicy) {
  const clock = manualClock();
  const limits = { connectionsPerUser: 2 };
  const hub = createHub({ auth: () => ann, channels: {}, clock, limits, userLimitPolicy });
  const knock = (query = "") =>
    hub.admit(handshakeRequest(`http://localhost/ws${query}`), { address: "192.0.2.1" });
  const open = async (query = "") => {
    const admission = await knock(query);
    assert(!(admission instanceof Response));
    const socket = new FakeSocket();
    const peer = hub.accept(socket, admission);
    const { client_id: id, reconnection_token } = JSON.parse(String(socket.frames[0] ?? "{}"));
    const resume = (of: { readonly token: string }) =>
      peer.receive(JSON.stringify({ type: "resume", reconnection_token: of.token }));
    return { socket, peer, id: String(id), token: String(reconnection_token), resume };
  };
  type Opened = Awaited<ReturnType<typeof open>>;
  const endings = (all: readonly Opened[]) => all.map(({ socket }) => socket.ended);
  return { hub, clock, knock, open, endings };
}

describe("limits.connectionsPerUser", () => {
  it("refuses a user whose connections do not end when they are closed, until they have", async () => {
    const clock = manualClock();
    const hub = createHub({
      auth: () => ann,
      channels: {},
      clock,
      limits: { connectionsPerUser: 2 },
    });
    const knock = () => hub.admit(handshakeRequest(), { address: "192.0.2.1" });
    const sockets: FakeSocket[] = [];
    for (let i = 0; i < 8; i++) {
      const admission = await knock();
      assert(!(admission instanceof Response));
      const socket = new FakeSocket();
      sockets.push(socket);
      // Each says at once that it takes up no session, so that the oldest goes.
      hub.accept(socket, admission).receive('{"type":"subscribe","channels":["none"]}');
    }
    assertEquals(sockets.map(({ ended }) => ended), [
      4409,
      4409,
      4409,
      4409,
      4409,
      4409,
      undefined,
      undefined,
    ]);
    const refusal = await knock();
    assert(refusal instanceof Response);
    assertEquals([refusal.status, (await refusal.json()).error], [429, "too_many_of_user"]);
    // Those that were closed are cut off.
    clock.advance(6_000);
    assert(!(await knock() instanceof Response));
  });

  it("gives a newcomer a second to say that it resumes, then closes the oldest for it", async () => {
    const { clock, open, endings } = stage("close-oldest");
    const all = [await open(), await open(), await open()];
    clock.advance(999);
    assertEquals(endings(all), [undefined, undefined, undefined]);
    all[2]!.resume(all[1]!);
    clock.advance(60_000);
    assertEquals(endings(all), [undefined, 4409, undefined], "it was the former that went");
    all.push(await open());
    clock.advance(1_101);
    assertEquals(endings(all), [4409, 4409, undefined, undefined], "it said nothing");
  });

  it("gives one that has named the session in its request five seconds", async () => {
    const { clock, open, endings } = stage("close-oldest");
    const all = [await open(), await open()];
    all.push(await open(`?resumes=${all[1]!.id}`));
    clock.advance(4_999);
    assertEquals(endings(all), [undefined, undefined, undefined]);
    all[2]!.resume(all[1]!);
    clock.advance(60_000);
    assertEquals(endings(all), [undefined, 4409, undefined]);
  });

  it("lets all of a user's clients replace those that are gone, where the policy is to refuse", async () => {
    const { knock, clock, open, endings } = stage("refuse");
    const gone = [await open(), await open()];
    const back = [await open(`?resumes=${gone[0]!.id}`), await open(`?resumes=${gone[1]!.id}`)];
    clock.advance(4_999);
    back[0]!.resume(gone[0]!);
    back[1]!.resume(gone[1]!);
    clock.advance(5_001);
    assertEquals(endings(gone), [4409, 4409]);
    assertEquals(endings(back), [undefined, undefined]);
    assert(await knock() instanceof Response);
  });

  it("tells one that resumed by query from one that did not resume, where the policy is to refuse", async () => {
    const { clock, open, endings } = stage("refuse");
    const there = [await open(), await open()];
    const back = await open(`?reconnection_token=${there[0]!.token}`);
    const wrong = await open(`?resumes=${there[1]!.id}`);
    wrong.peer.receive('{"type":"subscribe","channels":["none"]}');
    clock.advance(5_001);
    assertEquals(endings([back, wrong, ...there]), [undefined, 1013, 4409, undefined]);
  });

  it("refuses in the end whoever does not resume what it said, and closes nobody for it", async () => {
    const { hub, clock, open, endings } = stage("refuse");
    const there = [await open(), await open()];
    const silent = await open(`?resumes=${there[0]!.id}`);
    const wrong = await open(`?resumes=${there[1]!.id}`);
    const third = await open(`?resumes=${there[1]!.id}`);
    assertEquals(
      endings([silent, wrong, third]),
      [undefined, undefined, 1013],
      "twice their number",
    );
    wrong.resume({ token: "no such token" });
    assertEquals(endings([silent, wrong]), [undefined, 1013]);
    clock.advance(5_001);
    assertEquals(endings([silent, ...there]), [1013, undefined, undefined]);
    assertEquals(hub.stats().evicted, 0);
  });
});
