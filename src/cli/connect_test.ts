import { assert, assertEquals, assertMatch } from "@std/assert";
import { after, before, describe, it } from "node:test";
import { freePort } from "../../conformance/target/port.ts";
import { heddle, listens, run, type Serving, serving } from "./testing.ts";

describe("heddle connect", () => {
  let server: Serving;
  before(async () => {
    server = await serving();
  });
  after(async () => {
    await server.running[Symbol.asyncDispose]();
  });
  const connect = (...args: string[]) => ["connect", "--url", server.url, ...args];

  it("prints every frame as a line of JSON, and ends after as many events as it was told", async () => {
    const args = connect("--subscribe", "metrics", "--format", "json", "--count", "2");
    const { code, stdout, stderr } = await run(args);
    assertEquals([code, stderr], [0, ""]);
    const frames = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
    assertEquals(frames.map(({ type }) => type), ["connected", "subscribed", "event", "event"]);
    assertEquals(frames[2].channel, "metrics");
  });

  it("colours nothing where it does not write to a terminal", async () => {
    for (const format of ["pretty", "compact"]) {
      const args = connect("--subscribe", "metrics", "--format", format, "--count", "1");
      const { stdout } = await run(args, { CI: "true" });
      assertMatch(stdout, /metrics\s+system_metrics/);
      assert(!stdout.includes("\u001b"), stdout);
    }
  });

  it("closes with 1000 on SIGINT, and exits with 0", async () => {
    await using client = heddle(connect("--subscribe", "metrics", "--format", "json"));
    const { client_id } = JSON.parse((await client.sees(/^.*"connected".*$/m))[0]);
    await client.sees(/system_metrics/);
    client.signal("SIGINT");
    assertEquals(await client.exited, 0, client.stderr);
    const left = new RegExp(`disconnected clientId=${client_id} code=1000`);
    await server.running.sees(left, "stderr");
  });

  it("ends quietly when nobody reads it any more", async () => {
    await using client = heddle(connect("--subscribe", "metrics", "--format", "json"));
    await client.sees(/system_metrics/);
    client.stopReading();
    assertEquals(await client.exited, 0);
    assertEquals(client.stderr, "");
  });

  it("says why it was refused, and exits with 1", async () => {
    const refused = await run(connect("--token", "no.such.token"));
    assertEquals([refused.code, refused.stdout], [1, ""]);
    assertMatch(refused.stderr, /refused with HTTP 401: .*token/);
    assert(!refused.stderr.includes("no.such.token"), refused.stderr);

    const lost = await run(["connect", "--url", server.url.replace(/ws$/, "nowhere")]);
    assertEquals(lost.code, 1);
    assertMatch(lost.stderr, /refused with HTTP 404/);

    const forbidden = await run(connect("--subscribe", "logs"));
    assertEquals(forbidden.code, 1);
    assertMatch(forbidden.stderr, /^not subscribed to logs: .*anonymous/);
  });

  it("says that nobody is there, without the query of the URL", async () => {
    const gone = await serving();
    await using _gone = gone.running;
    gone.running.signal("SIGTERM");
    await gone.running.exited;
    const { code, stderr } = await run(["connect", "--url", `${gone.url}?token=a.b.c`]);
    assertEquals(code, 1);
    assertMatch(stderr, /cannot connect to ws:[^?]*: /);
    assert(!stderr.includes("a.b.c"), stderr);
  });

  it("takes no options that mean nothing, and exits with 2", async () => {
    const wrong: readonly (readonly [string[], RegExp])[] = [
      [["connect", "--url", "nowhere"], /--url: "nowhere" is no address/],
      [["connect", "--url", "ftp://host/ws"], /--url: .*allowed are ws:, wss:, http: and https:/],
      [connect("--format", "xml"), /Allowed choices are pretty, json, compact/],
      [connect("--count", "0"), /--count is "0"; it must be a whole number above 0/],
      [connect("--loud"), /unknown option '--loud'/],
    ];
    for (const [args, message] of wrong) {
      const { code, stdout, stderr } = await run(args);
      assertEquals([code, stdout], [2, ""], stderr);
      assertMatch(stderr, message);
    }
  });

  it("runs what is typed in order, and ends with the input", async () => {
    await using client = heddle(connect("--interactive", "--format", "compact"), {
      HEDDLE_TOKEN: server.adminToken,
    });
    client.type("ping\nsubs\nsubscribe status room:1\npublish room:1 chat {}\n");
    client.type("subs\nunsubscribe room:1 metrics\nsubscribe nowhere\nnonsense\nhelp\nsubs\n");
    client.endInput();
    assertEquals(await client.exited, 0, client.stderr);
    const notes = client.stderr.split("\n");
    assertMatch(notes[0]!, /^answered in \d+\.\d ms$/);
    assertEquals(notes.slice(1, 5), [
      "subscribed to nothing",
      "published as event 1 of room:1",
      "subscribed to status, room:1",
      "not subscribed to metrics",
    ]);
    assertMatch(notes[5]!, /^not subscribed to nowhere: .*nowhere/);
    assertMatch(notes[6]!, /^there is no command "nonsense"/);
    assertMatch(client.stderr, /\nquit +close the connection and end\nsubscribed to status\n$/);
    assertMatch(client.stdout, /- pong\n/);
    assert(!client.stdout.includes("eyJ"), client.stdout);
  });

  it("tells with --verbose what it sends, but for the token", async () => {
    const args = connect("--subscribe", "metrics", "--count", "1", "--verbose");
    const { stderr } = await run(args, { HEDDLE_TOKEN: server.adminToken });
    assertMatch(stderr, /^connecting to ws:/);
    assertMatch(stderr, /connected as admin \(admin\)/);
    assertMatch(stderr, /sent {"type":"subscribe"/);
    assert(!stderr.includes("eyJ"), stderr);
  });

  it("comes back to a server that was started again, and takes up its subscriptions", async () => {
    const port = String(await freePort());
    const first = await serving({ PORT: port });
    await using _first = first.running;
    await using client = heddle(
      ["connect", "--url", first.url, "--subscribe", "metrics", "--format", "compact", "--verbose"],
    );
    await client.sees(/system_metrics/);
    first.running.signal("SIGTERM");
    assertEquals(await first.running.exited, 0);
    await client.sees(/closed the connection: 1012 .*\ncoming back in/, "stderr");
    await using second = heddle(["serve", "--port", port, "--metrics-interval", "0.1"]);
    await listens(second);
    await client.sees(/connected again as nobody/, "stderr");
    await client.sees(/"resume","reconnection_token":"\[token\]"/, "stderr");
    await client.sees(/- connected[^]*- connected[^]*system_metrics/);
    client.signal("SIGTERM");
    assertEquals(await client.exited, 0, client.stderr);
  });
});
