import { describe, it } from "node:test";
import { createServer, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import type { Peer } from "../peer/peer.ts";
import type { Rules } from "../reference/rules.ts";
import { startReference } from "../reference/server.ts";
import type { CaseReport, Report } from "../report/report.ts";
import { exitCodeOf } from "../report/exit.ts";
import type { ConformanceOptions } from "./options.ts";
import { acceptOf } from "../wire/handshake.ts";
import { CannotRun } from "./probe.ts";
import { runConformance } from "./run.ts";
import { casesOf } from "./select.ts";

async function runOn(
  rules: Partial<Rules>,
  options: Partial<ConformanceOptions> = {},
): Promise<Report> {
  const server = await startReference(rules);
  try {
    return await runConformance({ url: server.url, seed: 1, timeout: 1000, ...options });
  } finally {
    await server.close();
  }
}

async function serveRaw(
  onConnection: (socket: Socket) => void,
  test: (url: string) => Promise<void>,
): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await test(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** Agrees to any opening handshake, then hands on what comes. */
function upgrade(
  socket: Socket,
  onOpen: () => void,
  onData: (socket: Socket, bytes: Uint8Array) => void,
): void {
  let request = "";
  const read = (bytes: Uint8Array) => {
    request += new TextDecoder().decode(bytes);
    if (!request.includes("\r\n\r\n")) return;
    const key = /^sec-websocket-key:[ \t]*(\S*)/im.exec(request)?.[1] ?? "";
    socket.off("data", read).on("data", (bytes: Uint8Array) => onData(socket, bytes));
    onOpen();
    socket.write(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
        `Sec-WebSocket-Accept: ${acceptOf(key)}\r\n\r\n`,
    );
  };
  socket.on("data", read);
}

function find(report: Report, id: string): CaseReport {
  const found = report.cases.find((one) => one.id === id);
  assert(found !== undefined, `no ${id} in the report`);
  return found;
}

const notPassed = (report: Report) =>
  report.cases.filter(({ verdict }) => verdict !== "pass").map((
    { id, observed },
  ) => [id, observed]);

describe("runConformance", () => {
  it("passes the strict reference server in all cases", async () => {
    const maxMessage = 1024 * 1024;
    const report = await runOn({ maxMessage }, { maxMessage });
    // One agreement cannot show what another would: such a case is skipped on any one server.
    const excused = /^(not asked for|the server answered client_no_context_takeover)/;
    assertEquals(notPassed(report).filter(([, why]) => !excused.test(why ?? "")), []);
    assertEquals(exitCodeOf(report, null), 0);
  });

  it("fails a server that takes unmasked frames, and shows what it did", async () => {
    const report = await runOn({ checkMask: () => null }, { only: ["rfc6455/5.1/unmasked-text"] });
    const { verdict, behaviour, observed, transcript, repeat } = find(
      report,
      "rfc6455/5.1/unmasked-text",
    );
    assertEquals([verdict, behaviour], ["fail", "broken"]);
    assertStringIncludes(observed, 'text of 5 bytes "Hello"');
    assert(transcript?.some((line) => line.includes("81 05 48 65 6c 6c 6f")));
    assertStringIncludes(repeat ?? "", "--only rfc6455/5.1/unmasked-text --seed 1");
    assertEquals(exitCodeOf(report, null), 1);
  });

  it("starts a target, and tells the command that starts it again", async () => {
    const only = ["rfc6455/4.2.2/*"];
    const start = `node -e 'require("http").createServer((_, answer) => answer.end())` +
      `.listen(process.env.PORT, "127.0.0.1")'`;
    const report = await runConformance({ url: "ws://127.0.0.1:{port}/x", start, only });
    const [repeat] = report.cases.flatMap(({ repeat }) => repeat ?? []);
    assertStringIncludes(repeat ?? "", "--url 'ws://127.0.0.1:{port}/x' --start 'node -e ");
  });

  it("warns of a server that fails the connection without a Close frame", async () => {
    const report = await runOn({ failure: () => null }, { only: ["rfc6455/8.1/surrogate-*"] });
    assert(report.cases.length > 3);
    for (const one of report.cases) {
      assertEquals([one.verdict, one.behaviour, one.close], ["warn", "kept", "fin"]);
    }
    assertEquals(exitCodeOf(report, null), 0);
  });

  it("warns of another close code than the one that fits", async () => {
    const failure = () => Uint8Array.of(3, 0xe8);
    const report = await runOn({ failure }, { only: ["rfc6455/8.1/surrogate-d800-alone"] });
    const [one] = report.cases;
    assertEquals([one?.verdict, one?.behaviour, one?.close], ["warn", "kept", "clean 1000"]);
  });

  it("sees how a server closes that resets where more is sent to it", async () => {
    const length = 14 + 70_000;
    let received = 0;
    const onData = (socket: Socket, bytes: Uint8Array) => {
      const had = received;
      received += bytes.length;
      if (received > length) socket.resetAndDestroy();
      else if (had < length && received === length) setTimeout(() => socket.end(), 30);
    };
    await serveRaw((socket) => upgrade(socket, () => received = 0, onData), async (url) => {
      const only = ["rfc6455/8.1/invalid-at-end-of-70000-bytes"];
      const [one] = (await runConformance({ url, only, seed: 1, echo: "no" })).cases;
      assertEquals([one?.verdict, one?.close], ["warn", "fin"]);
    });
  });

  it("asks again, alone, whether a server admits many connections", async () => {
    let refusals = 0;
    const checkRoom = (connections: number) =>
      connections > 5 && refusals++ === 0 ? { status: 503 } : null;
    const only = ["rfc6455/6.2/10-connections"];
    const [one] = (await runOn({ checkRoom }, { only })).cases;
    assertEquals([one?.verdict, one?.observed, refusals > 1], ["pass", "as expected", true]);
  });

  it("blames a server that masks its frames once, by the case that watches for it", async () => {
    const encode: Rules["encode"] = ({ payload, opcode }) => {
      const head = [0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0];
      return Uint8Array.from([...head, ...payload]);
    };
    const only = ["rfc6455/5.1/server-never-masks", "rfc6455/5.5.2/*"];
    const report = await runOn({ encode, echo: () => [] }, { only });
    const failed = report.cases.filter(({ verdict }) => verdict === "fail");
    assertEquals(failed.map(({ id }) => id), ["rfc6455/5.1/server-never-masks"]);
  });

  it("blames a server that changes what it echoes for nothing that is watched", async () => {
    const echo: Rules["echo"] = ({ text, data }) => [{ text, data: data.slice(0, 1000) }];
    const only = ["rfc6455/5.*/server-*", "rfc6455/5.2/binary-of-65536"];
    const { cases } = await runOn({ echo }, { only, echo: "yes" });
    const failed = cases.filter(({ verdict }) => verdict === "fail");
    assertEquals(failed.map(({ id }) => id), ["rfc6455/5.2/binary-of-65536"]);
    const masks = cases.find(({ id }) => id === "rfc6455/5.1/server-never-masks");
    assertMatch(masks?.observed ?? "", /^watched until the echo of binary of 65536 bytes/);
  });

  it("judges a server that does not echo by its Pongs", async () => {
    const report = await runOn({ echo: () => [] }, { echo: "no" });
    assertEquals(report.summary.failed, 0);
    assertEquals(find(report, "rfc6455/5.6/text-in-utf8").verdict, "pass");
  });

  it("shrinks a broken stream to its smallest frames", async () => {
    const echo: Rules["echo"] = (message) => [{ ...message, data: message.data.slice(0, 20) }];
    const options = { echo: "yes", only: ["rfc6455/5.4/any-legal-stream"] } as const;
    const [one] = (await runOn({ echo }, options)).cases;
    assertEquals(one?.verdict, "fail");
    const [frame = "", origin = ""] = one?.counterexample?.split("\n") ?? [];
    assertMatch(frame, /^(text|binary) /);
    assertMatch(origin, /^\(run \d+ of seed \d+, shrunk \d+ times\)$/);
    assertStringIncludes(one?.expected ?? "", "of 21 bytes");
  });

  it("tells of a property that had no time for as many runs as asked for", async () => {
    const [one] = casesOf("wire");
    assert(one !== undefined);
    const tried = (made: number) => ({
      ...one,
      id: `${one.id}-${made}`,
      run: (peer: Peer) => Promise.resolve(void Object.assign(peer.tried, { made, asked: 20 })),
    });
    const { cases } = await runOn({}, { cases: [tried(7), tried(20)] });
    assertEquals(cases.map(({ runs }) => runs), [{ made: 7, asked: 20 }, undefined]);
  });

  it("draws the same inputs in each run, unless it is given a seed", async () => {
    const echo: Rules["echo"] = (message) => [{ ...message, data: message.data.slice(0, 20) }];
    const options = { echo: "yes", only: ["rfc6455/5.4/any-legal-stream"] } as const;
    const server = await startReference({ echo });
    try {
      const first = await runConformance({ url: server.url, ...options });
      const second = await runConformance({ url: server.url, ...options });
      assertEquals(first.seed, second.seed);
      assertEquals(first.cases[0]?.counterexample, second.cases[0]?.counterexample);
    } finally {
      await server.close();
    }
  });

  it("gives the same verdicts whatever the concurrency", async () => {
    const rules = { checkRsv: () => null, checkMask: () => null };
    const only = [
      "rfc6455/4.*",
      "rfc6455/5.1/*",
      "rfc6455/5.2/rsv1-*",
      "rfc6455/5.4/*",
      "rfc6455/7.*",
      "rfc6455/8.1/*",
    ];
    // What waits for a server that does nothing waits long when it is repeated.
    const skip = ["rfc6455/7.1.7/*-reserved-bit", "*-mib*"];
    const verdicts = async (concurrency: number) =>
      (await runOn(rules, { concurrency, only, skip })).cases.map(({ id, verdict }) => [
        id,
        verdict,
      ]);
    assertEquals(await verdicts(32), await verdicts(1));
  });

  it("fails one case and skips the rest where an honest handshake gets no 101", async () => {
    await serveRaw(
      (socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<h1>Hello</h1>"),
      async (url) => {
        const report = await runConformance({ url, only: ["rfc6455/5.*"] });
        const failed = report.cases.filter(({ verdict }) => verdict === "fail");
        assertEquals(failed.map(({ id }) => id), ["rfc6455/4.2.2/opening-handshake"]);
        assertEquals(failed[0]?.observed, "HTTP/1.1 200 OK");
        assertEquals(report.summary.skipped, report.cases.length - 1);
        assertEquals(exitCodeOf(report, null), 1);
      },
    );
  });

  it("ends when it is told to, with the reason", async () => {
    const controller = new AbortController();
    await serveRaw(() => controller.abort(new Error("told to")), async (url) => {
      const { signal } = controller;
      await assertRejects(() => runConformance({ url, timeout: 60_000, signal }), Error, "told to");
      await assertRejects(() => runConformance({ url, signal }), Error, "told to");
    });
  });

  it("cannot run where nothing listens, or no HTTP answers", async () => {
    const code = async (url: string, options: Partial<ConformanceOptions> = {}) =>
      (await assertRejects(() => runConformance({ url, timeout: 50, ...options }), CannotRun)).code;
    const silent = (test: (url: string) => Promise<void>) => serveRaw(() => {}, test);
    await silent(async (url) => assertEquals(await code(url), "no_http_answer"));
    const closing = (socket: Socket) => void socket.end();
    await serveRaw(closing, async (url) => assertEquals(await code(url), "no_http_answer"));
    const resetting = (socket: Socket) => void socket.once("data", () => socket.resetAndDestroy());
    await serveRaw(resetting, async (url) => assertEquals(await code(url), "no_http_answer"));
    const other = (socket: Socket) => void socket.write("220 mail.example ESMTP\r\n");
    await serveRaw(other, async (url) => assertEquals(await code(url), "no_http_answer"));
    let free = "";
    await silent((url) => Promise.resolve(void (free = url)));
    assertEquals(await code(free), "unreachable");
    assertEquals(await code("http://localhost/"), "bad_options");
    assertEquals(await code("ws://localhost/", { runs: 0 }), "bad_options");
  });
});
