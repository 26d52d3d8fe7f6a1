import { assert, assertEquals, assertMatch } from "@std/assert";
import { connect as connectTcp } from "node:net";
import { describe, it } from "node:test";
import { connectRaw, connectRefused } from "../testing/raw_client.ts";
import { heddle, run, serving } from "./testing.ts";

const secret = "a secret of tests, longer than 32 bytes";

/** Opens a WebSocket that answers nothing, a close neither. */
async function silentPeer(url: string): Promise<{ end(): void }> {
  const { hostname, port, pathname } = new URL(url);
  const socket = connectTcp(Number(port), hostname);
  socket.on("error", () => {});
  socket.write(
    `GET ${pathname} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: Upgrade\r\n` +
      "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  let received = "";
  await new Promise<void>((resolve) => {
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1");
      if (received.includes('"connected"')) resolve();
    });
  });
  return { end: () => socket.destroy() };
}

describe("heddle serve", () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    it(`streams what the machine does, and drains and exits with 0 on ${signal}`, async () => {
      const { running, url } = await serving();
      await using _server = running;
      await using client = heddle(
        ["connect", "--url", url, "--subscribe", "metrics,status", "--format", "json"],
      );
      const [line] = await client.sees(/^.*system_metrics.*$/m);
      const { channel, data } = JSON.parse(line);
      assertEquals(channel, "metrics");
      assert(data.memory_mb > 1, line);
      assert(data.cpu_percent >= 0 && data.cpu_percent <= 100, line);
      assert(data.events_per_sec >= 0, line);

      running.signal(signal);
      await client.sees(/status\.draining/);
      await client.sees(/"disconnected"/);
      await client.sees(/1012/, "stderr");
      await client.sees(/coming back in/, "stderr");
      assertEquals(await running.exited, 0, running.stderr);
      client.signal("SIGINT");
      assertEquals(await client.exited, 0, client.stderr);
    });
  }

  it("believes who a client says it is in development, with a warning, and nowhere else", async () => {
    const query = "/lobby?user_id=ann&client_id=c1&display_name=Ann";
    {
      const { running, url } = await serving();
      await using _server = running;
      const client = await connectRaw(url + query);
      const { user_id, channels } = await client.nextOf("connected");
      assertEquals([user_id, channels], ["ann", ["room:lobby"]]);
      const { members } = await client.ask({ type: "presence", channel: "room:lobby" });
      assertEquals((members as { metadata: unknown }[])[0]?.metadata, { display_name: "Ann" });
      await running.sees(/warn.*showed no token.*ann/, "stderr");
      client.terminate();
    }
    for (
      const variables of [
        { ENVIRONMENT: "development", WEBSOCKET_REQUIRE_AUTH: "true" },
        { ENVIRONMENT: "staging", JWT_SECRET: secret },
        { ENVIRONMENT: "production", JWT_SECRET: secret },
      ] as const
    ) {
      const { running, url } = await serving(variables);
      await using _server = running;
      assertEquals((await connectRefused(url + query)).status, 401, variables.ENVIRONMENT);
    }
  });

  it("exits with 0 though a peer does not answer its close", async () => {
    const { running, url } = await serving();
    await using _server = running;
    const peer = await silentPeer(url);
    running.signal("SIGTERM");
    assertEquals(await running.exited, 0, running.stderr);
    peer.end();
  });

  it("tells admins of joins, leaves and log lines, and nobody a token", async () => {
    const { running, url, adminToken } = await serving();
    await using _server = running;
    await using client = heddle(
      ["connect", "--url", url, "--subscribe", "connections,logs", "--format", "compact"],
      { HEDDLE_TOKEN: adminToken },
    );
    await client.sees(/- subscribed/);
    const other = await run(["connect", "--url", url, "--subscribe", "metrics", "--count", "1"]);
    assertEquals(other.code, 0, other.stderr);
    await client.sees(/connections client\.connected .*"role":"anonymous","connections":2/);
    await client.sees(/connections client\.disconnected .*"code":1000/);
    await client.sees(/logs log\.info .*"message":"disconnected"/);
    await running.sees(/info {2}disconnected/, "stderr");
    for (const text of [running.stderr, client.stdout, client.stderr]) {
      assert(!text.includes(adminToken) && !text.includes("eyJ"), text);
    }
  });

  it("has rooms where whoever may connect may speak, and is seen", async () => {
    const { running, url } = await serving();
    await using _server = running;
    const connect = ["connect", "--url", url, "--subscribe", "room:1", "--format", "compact"];
    await using listener = heddle(connect);
    await listener.sees(/- subscribed/);
    await using speaker = heddle([...connect, "--interactive"]);
    speaker.type('publish room:1 chat {"text":"hello"}\n');
    await listener.sees(/room:1 chat {"text":"hello"}/);
    await listener.sees(/room:1 presence\.join {"user_id":null,.*"connections":1,"count":2}/);
    speaker.type("quit\n");
    await listener.sees(/room:1 presence\.leave {.*"count":1}/);
    assertEquals(await speaker.exited, 0, speaker.stderr);
    assert(!speaker.stdout.includes("room:1 chat"), "a speaker hears itself");
  });

  it("lets connections join a room by their path", async () => {
    const { running, url } = await serving();
    await using _server = running;
    const lobby = `${url}/lobby?display_name=`;
    await using ann = heddle(["connect", "--url", `${lobby}Ann`, "--format", "json"]);
    await ann.sees(/"channels":\["room:lobby"\]/);
    const connect = ["connect", "--url", `${lobby}Bob`, "--subscribe", "metrics"];
    const bob = await run([...connect, "--count", "1"]);
    assertEquals(bob.code, 0, bob.stderr);
    await using _cat = heddle(["connect", "--url", `${lobby}Cat`, "--format", "json"]);
    await ann.sees(/"presence\.join",.*"metadata":{"display_name":"Cat"}/);
    const refused = await run(["connect", "--url", `${url}/config`]);
    assertEquals(refused.code, 1);
    assertMatch(refused.stderr, /"config" is reserved/);
  });

  it("takes tokens of its secret alone where it is not development", async () => {
    const { running, url, adminToken } = await serving({
      ENVIRONMENT: "production",
      JWT_SECRET: secret,
    });
    await using _server = running;
    assertEquals(adminToken, "");
    const connect = ["connect", "--url", url, "--subscribe", "metrics", "--count", "1"];
    const anonymous = await run(connect);
    assertEquals(anonymous.code, 1);
    assertMatch(anonymous.stderr, /HTTP 401: a token is needed/);

    const { stdout: token } = await run(["token", "--sub", "u1", "--secret", secret]);
    const known = await run([...connect, "--token", token.trim()]);
    assertEquals(known.code, 0, known.stderr);
    assertMatch(known.stdout, /"user_id": "u1"/);
  });

  it("lets in without a token in production where it is told to, and warns of it", async () => {
    const { running, url } = await serving({
      ENVIRONMENT: "production",
      JWT_SECRET: secret,
      WEBSOCKET_REQUIRE_AUTH: "false",
      WEBSOCKET_REQIRE_AUTH: "true",
    });
    await using _server = running;
    const connect = ["connect", "--url", url, "--subscribe", "metrics", "--count", "1"];
    const { code, stderr } = await run(connect);
    assertEquals(code, 0, stderr);
    await running.sees(/warn .*WEBSOCKET_REQUIRE_AUTH is false in production/, "stderr");
    await running.sees(/warn .*is WEBSOCKET_REQUIRE_AUTH meant\?/, "stderr");
  });

  it("refuses without a token in development where it is told to, and prints an admin's", async () => {
    const { running, url, adminToken } = await serving({ WEBSOCKET_REQUIRE_AUTH: "true" });
    await using _server = running;
    const connect = ["connect", "--url", url, "--subscribe", "metrics", "--count", "1"];
    const anonymous = await run(connect);
    assertEquals(anonymous.code, 1);
    assertMatch(anonymous.stderr, /HTTP 401: a token is needed/);
    const admin = await run([...connect, "--token", adminToken]);
    assertEquals(admin.code, 0, admin.stderr);
  });

  it("takes its limits and intervals from the environment, and tells them", async () => {
    const { running, url } = await serving({
      WEBSOCKET_MAX_MESSAGE_SIZE: "20480",
      WEBSOCKET_HEARTBEAT_INTERVAL: "15000",
      WEBSOCKET_MAX_MESSAGE_RATE: "60",
      WEBSOCKET_MAX_CONNECTIONS_PER_USER: "3",
      RATE_LIMIT_MAX_REQUESTS: "1",
    });
    await using _server = running;
    const response = await fetch(`${url.replace(/^ws/, "http")}/config`);
    const { websocket_config: { connection_limits } } = await response.json();
    assertEquals(connection_limits.max_message_size, 20_480);
    assertEquals(connection_limits.heartbeat_interval, 15_000);
    assertEquals(connection_limits.max_message_rate, 60);
    assertEquals(connection_limits.max_connections_per_user, 3);
    const first = await run(["connect", "--url", url, "--subscribe", "metrics", "--count", "1"]);
    assertEquals(first.code, 0, first.stderr);
    const refused = await connectRefused(url);
    assertEquals([refused.status, JSON.parse(refused.body).error], [429, "Rate limit exceeded"]);
  });

  it("names every mistake in the environment at once, and exits with 2", async () => {
    const { code, stdout, stderr } = await run(["serve", "--log-level", "loud"], {
      ENVIRONMENT: "prod",
      JWT_SECRET: "hunter2",
      WEBSOCKET_HEARTBEAT_INTERVAL: "30",
      REDIS_URL: "redis://:hunter2@localhost",
    });
    assertEquals([code, stdout], [2, ""]);
    const lines = stderr.trimEnd().split("\n");
    assertEquals(lines.map((line) => line.split(" ").slice(0, 2).join(" ")), [
      "heddle: ENVIRONMENT",
      "heddle: JWT_SECRET",
      "heddle: --log-level",
      "heddle: WEBSOCKET_HEARTBEAT_INTERVAL",
      "heddle: REDIS_URL",
    ]);
    assert(!stderr.includes("hunter2"), stderr);
  });

  it("refuses to start without a secret where it is not development", async () => {
    for (const ENVIRONMENT of ["production", "staging", "testing"]) {
      const { code, stdout, stderr } = await run(["serve"], { ENVIRONMENT });
      assertEquals([code, stdout], [2, ""]);
      assertMatch(stderr, /^heddle: JWT_SECRET is not set.*\n$/);
    }
  });

  it("says in one line that the port is in use, and exits with 1", async () => {
    const { running, url } = await serving();
    await using _server = running;
    const { port } = new URL(url);
    const { code, stderr } = await run(["serve", "--port", port]);
    assertEquals(code, 1);
    assertEquals(
      stderr,
      `heddle: port ${port} at 127.0.0.1 is in use: choose another with --port or PORT\n`,
    );
  });
});
