/** How many connections one user may have, where sockets do what the test says; others are in the doors. */
import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { manualClock } from "../base/clock.ts";
import type { Identity } from "../guard/identity.ts";
import { FakeSocket } from "../testing/fake_socket.ts";
import { handshakeRequest } from "../testing/handshake_request.ts";
import { createHub } from "./hub.ts";

const ann: Identity = { userId: "ann", role: "viewer", claims: {} };

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
});
