/** The hub behind a real nginx with the example's configuration. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { after, before, describe, it } from "node:test";
import { WebSocket } from "ws";
import { run, type Serving, serving } from "../../src/cli/testing.ts";
import { connectRaw, connectRefused, RawClient } from "../../src/testing/raw_client.ts";
import { nginx, type Proxy, startNginx } from "./testing.ts";

const options = { skip: nginx === undefined ? "needs nginx" : false };

describe("nginx in front of heddle serve", options, () => {
  let hub: Serving;
  let proxy: Proxy;
  before(async () => {
    hub = await serving({
      TRUSTED_PROXIES: "127.0.0.1",
      TRUSTED_PROXY_HEADER: "x-forwarded-for",
      WEBSOCKET_MAX_MESSAGE_SIZE: "100000",
      WEBSOCKET_HEARTBEAT_INTERVAL: "1000",
    });
    proxy = await startNginx(hub.url);
  });
  after(async () => {
    await proxy[Symbol.asyncDispose]();
    await hub.running[Symbol.asyncDispose]();
  });

  it("carries messages both ways, also of 70 KB", async () => {
    const [speaker, listener] = await Promise.all([
      connectRaw(`ws://${proxy.host}/ws`),
      connectRaw(`ws://${proxy.host}/ws/lobby`),
    ]);
    const room = "room:lobby";
    assertEquals((await listener.ask({ type: "get_subscriptions" }))["channels"], [room]);
    for (const text of ["hello", "x".repeat(70_000)]) {
      const message = { type: "publish", channel: room, event_type: "chat", data: { text } };
      assertEquals((await speaker.ask(message))["type"], "published");
      for (;;) {
        const event = await listener.nextOf("event");
        if (event["event_type"] !== "chat") continue;
        assertEquals(event["data"], { text });
        break;
      }
    }
    speaker.terminate();
    listener.terminate();
  });

  it("tells the hub the client's address, whatever the client says of itself", async () => {
    const client = await connectRaw(`ws://${proxy.host}/ws`, {
      headers: {
        "X-Test-Client": "203.0.113.7",
        "X-Forwarded-For": "198.51.100.1",
        "Forwarded": "for=198.51.100.2",
      },
    });
    const { client_id } = await client.json();
    const line = new RegExp(`connected clientId=${client_id}.* address=(\\S+)`);
    assertEquals((await hub.running.sees(line, "stderr"))[1], "203.0.113.7");
    client.terminate();
  });

  it("keeps a connection that is idle for longer than its time-out, by the hub's pings", async () => {
    await using quick = await startNginx(hub.url, {
      "proxy_read_timeout 120s;": "proxy_read_timeout 4s;",
    });
    const socket = new WebSocket(`ws://${quick.host}/ws`);
    const client = new RawClient(socket);
    await client.json();
    const since = performance.now();
    await new Promise<void>((resolve, reject) => {
      socket.on("ping", () => performance.now() - since > 4_000 && resolve());
      socket.on("close", (code) => reject(new Error(`closed with ${code}`)));
    });
    assertEquals((await client.ask({ type: "ping" }))["type"], "pong");
    client.terminate();
  });

  it("serves the HTTP routes, and no other path", async () => {
    const status = async (path: string, init?: RequestInit) => {
      const response = await fetch(`http://${proxy.host}${path}`, init);
      await response.body?.cancel();
      return response.status;
    };
    assertEquals(await status("/health"), 200);
    assertEquals(await status("/ws/config"), 200);
    assertEquals(await status("/ws"), 426);
    assertEquals(await status("/api/v1/websocket/channels"), 200);
    assertEquals(await status("/api/v1/websocket/channels/nobody"), 404);
    assertEquals(await status("/"), 404);
    const broadcast = "/api/v1/websocket/broadcast?channel=room:lobby";
    const headers = {
      "Authorization": `Bearer ${hub.adminToken}`,
      "Content-Type": "application/json",
    };
    const post = (size: number) => {
      const body = JSON.stringify({ event_type: "chat", data: { text: "x".repeat(size) } });
      return status(broadcast, { method: "POST", headers, body });
    };
    assertEquals(await post(60_000), 200);
    assertEquals(await post(70_000), 413);
  });

  it("refuses who comes too often, by address, in the hub's words", async () => {
    await using strict = await startNginx(hub.url, {
      "rate=20r/s;": "rate=1r/m;",
      "burst=100 nodelay;": "burst=1 nodelay;",
    });
    const from = (address: string) => ({ headers: { "X-Test-Client": address } });
    const clients = await Promise.all(
      [1, 2].map(() => connectRaw(`ws://${strict.host}/ws`, from("203.0.113.7"))),
    );
    const refused = await connectRefused(`ws://${strict.host}/ws`, from("203.0.113.7"));
    assertEquals([refused.status, refused.headers["retry-after"]], [429, "1"]);
    assertEquals(JSON.parse(refused.body).error, "Rate limit exceeded");
    clients.push(await connectRaw(`ws://${strict.host}/ws`, from("203.0.113.8")));
    for (const client of clients) client.terminate();
  });
});

describe("nginx in front of a hub that does not name it", options, () => {
  const secret = "a secret of tests, longer than 32 bytes";
  let hub: Serving;
  let proxy: Proxy;
  let token: string;
  before(async () => {
    hub = await serving({ ENVIRONMENT: "production", JWT_SECRET: secret });
    proxy = await startNginx(hub.url);
    token = (await run(["token", "--sub", "u1", "--secret", secret])).stdout.trim();
  });
  after(async () => {
    await proxy[Symbol.asyncDispose]();
    await hub.running[Symbol.asyncDispose]();
  });

  it("is not believed about addresses", async () => {
    const headers = { "X-Test-Client": "203.0.113.7", "Authorization": `Bearer ${token}` };
    const client = await connectRaw(`ws://${proxy.host}/ws`, { headers });
    const { client_id } = await client.json();
    const line = new RegExp(`connected clientId=${client_id}.* address=(\\S+)`);
    assertEquals((await hub.running.sees(line, "stderr"))[1], "127.0.0.1");
    client.terminate();
  });

  it("cuts an idle connection off at its time-out where the hub does not ping in time", async () => {
    await using quick = await startNginx(hub.url, {
      "proxy_read_timeout 120s;": "proxy_read_timeout 1s;",
    });
    const client = await connectRaw(`ws://${quick.host}/ws?token=${token}`);
    assertEquals((await client.closed).code, 1006);
  });

  it("hands on a 401 as the hub gave it", async () => {
    const refused = await connectRefused(`ws://${proxy.host}/ws`);
    assertEquals(refused.status, 401);
    assertMatch(String(refused.headers["www-authenticate"]), /^Bearer realm=/);
    const { error, message } = JSON.parse(refused.body);
    assertEquals(error, "unauthorized");
    assertMatch(message, /^a token is needed/);
  });

  it("hands on a drain, and writes no token into a log with the hub gone", async () => {
    const client = await connectRaw(`ws://${proxy.host}/ws?token=${token}`);
    assertEquals((await client.json())["type"], "connected");
    hub.running.signal("SIGTERM");
    const { reason, reconnection_token } = await client.nextOf("disconnected");
    assert(typeof reconnection_token === "string", String(reason));
    assertEquals((await client.closed).code, 1012);
    assertEquals(await hub.running.exited, 0, hub.running.stderr);
    const refused = await connectRefused(`ws://${proxy.host}/ws?token=${token}`);
    assertEquals(refused.status, 502);

    for (const status of [101, 401, 502]) {
      await proxy.logs((text) => text.includes(`"GET /ws" ${status} `));
    }
    const logs = await proxy.logs();
    assert(!logs.includes("eyJ"), logs);
  });
});
