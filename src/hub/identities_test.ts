/**
 * Tokens, roles and revocations of connections that are open, where everything happens when the test
 * says so; over real sockets they are in src/attacks.
 */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { type ManualClock, manualClock } from "../base/clock.ts";
import { HeddleError } from "../base/errors.ts";
import type { SessionStore } from "../broker/broker.ts";
import { memoryBroker } from "../broker/memory.ts";
import { channel } from "../channel/definition.ts";
import {
  allowAnonymous,
  anonymousIdentity,
  type Authenticate,
  type Identity,
} from "../guard/identity.ts";
import { changedBroker } from "../testing/changed_broker.ts";
import { FakeSocket } from "../testing/fake_socket.ts";
import { handshakeRequest } from "../testing/handshake_request.ts";
import { createHub, type Peer } from "./hub.ts";
import type { Revocation } from "./identities.ts";
import type { HubOptions } from "./options.ts";

const channels = {
  open: channel(),
  secret: channel({ permissions: { admin: ["subscribe", "broadcast"] } }),
  slow: channel({ permissions: { admin: ["subscribe"] } }),
};
const quiet = { debug() {}, info() {}, warn() {}, error() {} };
/** So long that no silent client is given up. */
const heartbeat = { interval: 10_000_000 };
const admin: Identity = { userId: "u1", role: "admin", claims: {} };

/** Takes `USER/ROLE/SECONDS` for a token, where the time is from the start of the clock. */
function plainTokens(clock: ManualClock): Authenticate {
  const start = clock.wall() / 1000;
  return (request) => {
    const token = request.headers.get("authorization")?.slice("Bearer ".length) ?? "";
    if (token === "down") throw new HeddleError("unavailable", "the database is away");
    if (token === "broken") throw new Error("a secret of the database");
    const [userId, role, seconds, jti] = token.split("/");
    if (!userId || !role) throw new HeddleError("unauthorized", "no such token");
    const expiresAt = start + Number(seconds);
    if (expiresAt <= clock.wall() / 1000) throw new HeddleError("token_expired", "it is over");
    return { userId, role, claims: { jti }, ...(seconds === "" ? {} : { expiresAt }) };
  };
}

interface Client {
  readonly socket: FakeSocket;
  readonly peer: Peer;
  send(message: unknown): void;
  /** The messages so far, each taken once. */
  take(): Record<string, unknown>[];
  /** The next message of a type; what comes before it is lost. */
  until(type: string): Promise<Record<string, unknown>>;
}

function stage(options: Partial<HubOptions<typeof channels, Record<never, never>>> = {}) {
  const clock = manualClock();
  const auth = plainTokens(clock);
  const hub = createHub({ auth, channels, clock, heartbeat, logger: quiet, ...options });
  const take = (socket: FakeSocket) =>
    socket.frames.splice(0).map((frame) => JSON.parse(String(frame)));
  function connect(identity: Identity = admin): Client {
    const socket = new FakeSocket();
    const peer = hub.accept(socket, { identity, address: "127.0.0.1" });
    return {
      socket,
      peer,
      send: (message) => peer.receive(JSON.stringify(message)),
      take: () => take(socket),
      async until(type) {
        for (;;) {
          const found = take(socket).find((message) => message.type === type);
          if (found !== undefined) return found;
          await new Promise((resolve) => setTimeout(resolve));
        }
      },
    };
  }
  return { clock, hub, connect };
}

const authenticate = (token: string) => ({ type: "authenticate", token });

describe("authenticate", () => {
  it("gives the connection another role and another end", async () => {
    const { clock, hub, connect } = stage();
    const client = connect({ ...admin, expiresAt: clock.wall() / 1000 + 60 });
    client.send({ type: "subscribe", channels: ["secret"] });
    client.take();
    client.send(authenticate("u1/viewer/600"));
    client.send({ type: "subscribe", channels: ["open", "secret"] });
    const told = await client.until("authenticated");
    assertEquals([told["user_id"], told["role"], told["token_expires_in"]], ["u1", "viewer", 600]);
    const { role, channels } = hub.connection(client.peer.clientId)!;
    assertEquals([role, channels], ["viewer", ["open"]]);
    clock.advance(100_000);
    assertEquals(client.socket.ended, undefined);
    clock.advance(506_000);
    assertEquals(client.socket.ended, 4401);
  });

  it("takes no token where nobody can check one", async () => {
    const { connect } = stage({ auth: allowAnonymous() });
    const client = connect(anonymousIdentity());
    client.send(authenticate("a.b.c"));
    assertEquals((await client.until("error"))["code"], "unauthorized");
  });

  it("leaves the connection as it was where the token is not good", async () => {
    const { hub, connect } = stage();
    const client = connect();
    for (
      const [token, code] of [
        ["nonsense", "unauthorized"],
        ["two words", "unauthorized"],
        ["u1/admin/0", "token_expired"],
        ["u2/admin/600", "forbidden"],
        ["down", "internal"],
        ["broken", "unauthorized"],
      ] as const
    ) {
      client.send(authenticate(token));
      const error = await client.until("error");
      assertEquals(error["code"], code, token);
      assert(!JSON.stringify(error).includes("database"), JSON.stringify(error));
    }
    assertEquals(hub.connection(client.peer.clientId)?.role, "admin");
    assertEquals(client.socket.ended, undefined);
  });

  it("does not make somebody of nobody", async () => {
    const { connect } = stage();
    const client = connect({ userId: null, role: "anonymous", claims: {} });
    client.send(authenticate("u1/admin/600"));
    assertEquals((await client.until("error"))["code"], "forbidden");
  });

  it("does not keep an expired connection, however long the authenticator takes", async () => {
    const { clock, connect } = stage({ auth: () => new Promise<Identity>(() => {}) });
    const client = connect({ ...admin, expiresAt: clock.wall() / 1000 + 60 });
    client.send(authenticate("t"));
    clock.advance(66_000);
    assertEquals(client.socket.ended, 4401);
    await Promise.resolve();
  });
});

describe("A credential that runs out", () => {
  it("is announced, and then ends the connection with a way to come back", () => {
    const { clock, connect } = stage();
    const client = connect({ ...admin, expiresAt: clock.wall() / 1000 + 90, clockTolerance: 1 });
    assertEquals(client.take()[0]?.["token_expires_in"], 90);
    clock.advance(29_000);
    assertEquals(client.take(), []);
    clock.advance(1_100);
    const [warning, ...others] = client.take();
    assertEquals([warning?.["type"], warning?.["token_expires_in"]], ["token_expiring", 60]);
    assertEquals(others, []);
    clock.advance(60_500);
    assertEquals(client.socket.ended, undefined);
    clock.advance(600);
    assertEquals(client.socket.ended, 4401);
    const [disconnected] = client.take();
    assertEquals(disconnected?.["reason"], "token expired");
    assertEquals(typeof disconnected?.["reconnection_token"], "string");
  });
});

describe("Hub.setRole()", () => {
  it("takes away what the role does not permit, also of what is being opened", async () => {
    let open = () => {};
    const opened = new Promise<void>((resolve) => open = resolve);
    const memory = memoryBroker();
    const broker = changedBroker(memory, {
      subscribe: (name, ...terms) =>
        name === "slow"
          ? opened.then(() => memory.subscribe(name, ...terms))
          : memory.subscribe(name, ...terms),
    });
    const { hub, connect } = stage({ broker });
    const [early, late] = [connect(), connect()];
    early.send({ type: "subscribe", channels: ["secret", "open"] });
    await early.until("subscribed");
    late.send({ type: "subscribe", channels: ["slow"] });
    assertEquals(hub.setRole("u1", "viewer"), 2);
    assertEquals(hub.setRole("nobody", "viewer"), 0);
    const lost = await early.until("unsubscribed");
    assertEquals([lost["channels"], lost["code"]], [["secret"], "forbidden"]);
    await hub.channel("secret").publish("e", 1);
    assertEquals(early.take(), []);
    open();
    const [rejected] = (await late.until("subscribed"))["rejected"] as { code: string }[];
    assertEquals(rejected?.code, "forbidden");
    assertEquals(hub.describe("slow")?.subscribers, 0);
    late.send({ type: "publish", channel: "secret", event_type: "e", data: 1 });
    assertEquals((await late.until("error"))["code"], "forbidden");
    await broker.close();
  });

  it("overrules an authenticator that was asked before, at the door and by authenticate", async () => {
    const answers: ((identity: Identity) => void)[] = [];
    const auth = () => new Promise<Identity>((resolve) => answers.push(resolve));
    const { hub, connect } = stage({ auth });
    const client = connect();
    client.send(authenticate("t"));
    const admission = hub.admit(handshakeRequest(), { address: "192.0.2.1" });
    while (answers.length < 2) await new Promise((resolve) => setTimeout(resolve));
    hub.setRole("u1", "developer");
    hub.setRole("u1", "viewer");
    hub.setRole("u2", "bot");
    for (const answer of answers) answer(admin);
    assertEquals((await client.until("authenticated"))["role"], "viewer");
    const admitted = await admission;
    assert(!(admitted instanceof Response));
    const socket = new FakeSocket();
    const { clientId } = hub.accept(socket, admitted);
    assertEquals(JSON.parse(String(socket.frames[0]))["role"], "viewer");
    assertEquals(hub.connection(clientId)?.role, "viewer");
  });

  it("permits more from then on, and refuses what is no role", async () => {
    const { hub, connect } = stage();
    const client = connect({ ...admin, role: "viewer" });
    hub.setRole("u1", "admin");
    client.send({ type: "subscribe", channels: ["secret"] });
    assertEquals((await client.until("subscribed"))["channels"], ["secret"]);
    for (const role of ["", 7, null]) {
      const error = assertThrows(() => hub.setRole("u1", role as string), HeddleError);
      assertEquals(error.code, "option_invalid");
    }
  });
});

describe("Hub.revoke()", () => {
  it("closes a banned user's connections for good, and ends the sessions there are", async () => {
    const { hub, connect } = stage();
    const [gone, there, other] = [connect(), connect(), connect({ ...admin, userId: "u2" })];
    const tokens = [gone, there].map((client) => client.take()[0]?.["reconnection_token"]);
    gone.peer.closed(1006, "");
    assertEquals(hub.stats().sessionsKept, 1);
    assertEquals(await hub.revoke({ userId: "u1" }), 1);
    assertEquals([there.socket.ended, other.socket.ended], [4403, undefined]);
    const [told] = there.take();
    assertEquals([told?.["reason"], told?.["reconnection_token"]], ["banned", undefined]);
    there.peer.closed(4403, "");
    assertEquals(hub.stats().sessionsKept, 0);
    for (const reconnection_token of tokens) {
      const client = connect();
      client.send({ type: "resume", reconnection_token });
      assertEquals((await client.until("error"))["code"], "session_expired");
    }
  });

  it("closes whoever has a token, so that they come back with another", async () => {
    const { hub, connect } = stage();
    const [bad, good] = ["bad", "good"].map((jti) => connect({ ...admin, claims: { jti } }));
    assertEquals(await hub.revoke({ tokenId: "bad" }), 1);
    assertEquals([bad?.socket.ended, good?.socket.ended], [4401, undefined]);
    assertEquals(typeof bad?.take().at(-1)?.["reconnection_token"], "string");
  });

  it("closes also who was being let in, and refuses a token that was being looked up", async () => {
    let found = (_identity: Identity) => {};
    const auth = () => new Promise<Identity>((resolve) => found = resolve);
    const { hub, connect } = stage({ auth });
    const client = connect();
    client.send(authenticate("t"));
    await hub.revoke({ tokenId: "bad" });
    found({ ...admin, claims: { jti: "bad" } });
    assertEquals((await client.until("error"))["code"], "unauthorized");
    await hub.revoke({ userId: "u1" });
    const accept = (changes: number) => {
      const socket = new FakeSocket();
      hub.accept(socket, { identity: admin, address: "", changes });
      return socket.ended;
    };
    assertEquals([accept(0), accept(1), accept(2)], [4403, 4403, undefined]);
  });

  it("takes nobody for a user, and nothing for a token", async () => {
    const { hub, connect } = stage();
    const nobody = connect({ ...admin, userId: null });
    for (const revocation of [{ userId: null }, { userId: "" }, { tokenId: undefined }, {}]) {
      const error = await assertRejects(() => hub.revoke(revocation as Revocation), HeddleError);
      assertEquals(error.code, "option_invalid");
    }
    assertEquals(nobody.socket.ended, undefined);
  });

  it("says where kept sessions could not be ended", async () => {
    const memory = memoryBroker();
    const sessions: SessionStore = {
      size: 0,
      evicted: 0,
      put() {},
      take: () => undefined,
      end: () => Promise.reject(new HeddleError("broker_unavailable", "away")),
    };
    const { hub, connect } = stage({ broker: changedBroker(memory, { sessions }) });
    const client = connect();
    await assertRejects(() => hub.revoke({ userId: "u1" }), HeddleError, "away");
    assertEquals(client.socket.ended, 4403);
    await memory.close();
  });
});
