import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { describe, it } from "node:test";
import { closeTable } from "../protocol/close.ts";
import type { Inbound } from "../protocol/decode.ts";
import { failure } from "../protocol/errors.ts";
import {
  chat,
  connected,
  granted,
  Hundred,
  idOf,
  joins,
  newSession,
  openSession,
  ping,
  request,
  said,
  subscribedSession,
  timestamp,
  zero,
} from "./fixture.ts";

describe("Session.open()", () => {
  it("sends connected before the answers to what came before it", () => {
    const session = newSession();
    assertEquals(session.receive(ping("early")), []);
    assertEquals(said(session.open(connected)), [
      connected,
      { type: "pong", correlation_id: "early", timestamp },
    ]);
  });

  it("does nothing a second time", () => {
    assertEquals(openSession().open(connected), []);
  });

  it("does nothing after the connection has ended", () => {
    const session = newSession();
    session.closed();
    assertEquals(session.open(connected), []);
  });
});

describe("Session.receive()", () => {
  it("answers hello in the former variant, and varies after it", () => {
    const features = { binary: {}, compression: { algorithm: "zlib", compact: true } };
    const effects = openSession().receive(request({ type: "hello", features }));
    assertEquals(said(effects), [{ type: "welcome", features, timestamp }, "vary"]);
  });

  it("grants nothing of what it does not know", () => {
    const features = { compression: { algorithm: "brotli" } };
    const effects = openSession().receive(request({ type: "hello", features }));
    assertEquals(said(effects), [{ type: "welcome", features: {}, timestamp }, "vary"]);
  });

  it("answers a decoder's failure in its turn, with the correlation id", () => {
    const session = openSession();
    const effects = session.receive(request({ type: "subscribe", channels: ["a"] }));
    const refusal = failure("invalid_json", "Invalid JSON format");
    assertEquals(session.receive({ kind: "failure", failure: refusal, correlationId: "x" }), []);
    const [first, second] = said(session.settle(idOf(effects, "join"), granted("a")));
    assertEquals((first as { type: string }).type, "subscribed");
    assertEquals(second, {
      type: "error",
      code: "invalid_json",
      message: "Invalid JSON format",
      recoverable: true,
      help: "Send one JSON object a text frame, UTF-8 encoded.",
      correlation_id: "x",
      timestamp,
    });
  });

  it("rejects names alone: foreign letters, the server's own, and those there is no room for", () => {
    const session = openSession();
    const channels = ["a", "a b", "@all", "b", "a", "c", "d"];
    const effects = session.receive(request({ type: "subscribe", channels }));
    assertEquals(effects, [{ kind: "join", id: 1, joins: joins("a", "b", "c") }]);
    const [answer] = session.settle(1, {
      kind: "joined",
      results: [
        { channel: "a", position: zero },
        { channel: "b", failure: failure("unknown_channel", "no b") },
        { channel: "c", position: { epoch: "e", offset: 7 } },
      ],
    });
    assert(answer?.kind === "send" && answer.message.type === "subscribed");
    const { rejected, ...rest } = answer.message;
    assertEquals(rest, {
      type: "subscribed",
      channels: ["a", "c"],
      positions: { a: zero, c: { epoch: "e", offset: 7 } },
      denied: ["a b", "@all", "b"],
      message: "Permission denied for channels: a b, @all, b",
      timestamp,
    });
    assertEquals(rejected?.map(({ channel, code }) => [channel, code]), [
      ["a b", "invalid_channel"],
      ["@all", "forbidden"],
      ["d", "too_many_subscriptions"],
      ["b", "unknown_channel"],
    ]);
    assertEquals([...session.subscriptions], ["a", "c"]);
  });

  it("repeats a name that is far too long once, and its beginning in the words for older clients", () => {
    const session = openSession();
    const name = "x".repeat(60_000);
    const effects = session.receive(request({ type: "subscribe", channels: [name] }));
    const [answer] = said(session.settle(idOf(effects, "join"), granted()));
    const { rejected, denied, message } = answer as Record<string, unknown>;
    assertEquals((rejected as { channel: string }[])[0]?.channel, name);
    assertEquals(denied, ["x".repeat(200)]);
    assertEquals(message, `Permission denied for channels: ${"x".repeat(200)}`);
    assert(JSON.stringify(answer).length < name.length + 1_000);
  });

  it("lets a channel that is subscribed to be asked for again where there is no more room", () => {
    const session = subscribedSession("a", "b", "c");
    const [effect] = session.receive(request({ type: "subscribe", channels: ["c", "d"] }));
    assertEquals(effect, { kind: "join", id: 2, joins: joins("c") });
  });

  it("takes __proto__ and constructor for channels like any other", () => {
    const session = openSession();
    const channels = ["__proto__", "constructor"];
    const effects = session.receive(request({ type: "subscribe", channels }));
    const [answer] = session.settle(idOf(effects, "join"), granted(...channels));
    assert(answer?.kind === "send" && answer.message.type === "subscribed");
    assertEquals(
      JSON.stringify(answer.message.positions),
      '{"__proto__":{"epoch":"e","offset":0},"constructor":{"epoch":"e","offset":0}}',
    );
    assertEquals(session.subscriptions.has("__proto__"), true);
    assertEquals(Object.hasOwn(Object.prototype, "epoch"), false);
  });

  it("leaves what it was subscribed to, confirms the rest, and never the server's own", () => {
    const session = subscribedSession("a", "b");
    const channels = ["a", "never", "@all", "a", "no good"];
    const effects = session.receive(request({ type: "unsubscribe", channels }));
    assertEquals(effects[0], { kind: "leave", channels: ["a"] });
    const [, answer] = effects;
    assert(answer?.kind === "send" && answer.message.type === "unsubscribed");
    assertEquals(answer.message.channels, ["a", "never"]);
    assertEquals(answer.message.rejected?.map(({ channel, code }) => [channel, code]), [
      ["@all", "forbidden"],
      ["no good", "invalid_channel"],
    ]);
    // An entry has no `help`, so its message says what is allowed.
    assertStringIncludes(answer.message.rejected?.[1]?.message ?? "", "1 to 200 characters of A-Z");
    assertEquals([...session.subscriptions], ["b"]);
  });

  it("tells what it is subscribed to and where each channel stands", () => {
    const session = subscribedSession("b", "a");
    const effects = session.receive(
      request({ type: "get_subscriptions", correlation_id: "which" }),
    );
    assertEquals(effects, [{ kind: "locate", id: 2, channels: ["b", "a"] }]);
    const positions = { a: zero, b: { epoch: "e", offset: 3 } };
    assertEquals(said(session.settle(2, { kind: "located", positions })), [{
      type: "subscriptions",
      channels: ["b", "a"],
      positions: { b: { epoch: "e", offset: 3 }, a: zero },
      correlation_id: "which",
      timestamp,
    }]);
  });

  it("refuses to publish to what is no name, at once", () => {
    const publish = (channel: string) =>
      openSession().receive(request({ type: "publish", channel, event_type: "e", data: 1 }));
    for (const [channel, code] of [["", "invalid_channel"], ["@user:u1", "forbidden"]] as const) {
      const [message] = said(publish(channel)) as [{ type: string; code: string }];
      assertEquals([message.type, message.code], ["error", code]);
    }
  });

  it("tells where a publication ended up, with its id", () => {
    const session = openSession();
    const effects = session.receive(request({
      type: "publish",
      channel: "a",
      event_type: "e",
      data: null,
      id: "once",
      correlation_id: "p",
    }));
    const position = { epoch: "e", offset: 9 };
    const outcome = { kind: "published", position, duplicate: false } as const;
    assertEquals(said(session.settle(idOf(effects, "publish"), outcome)), [{
      type: "published",
      channel: "a",
      epoch: "e",
      offset: 9,
      id: "once",
      correlation_id: "p",
      timestamp,
    }]);
  });

  it("holds back what follows a request until that is answered", () => {
    const session = openSession();
    const effects = session.receive(request({ type: "subscribe", channels: ["a"] }));
    assertEquals(session.receive(ping("1")), []);
    assertEquals(session.receive(ping("2")), []);
    const answers = session.settle(idOf(effects, "join"), granted("a"));
    assertEquals(
      said(answers).map((message) => (message as { correlation_id?: string }).correlation_id),
      [undefined, "1", "2"],
    );
  });

  it("does not hold anything back for an application message", () => {
    const session = openSession();
    assertEquals(said(session.receive(chat("slow"))), ["handle"]);
    assertEquals(said(session.receive(ping("1"))), [
      { type: "pong", correlation_id: "1", timestamp },
    ]);
  });

  it("refuses an application message that nobody declared", () => {
    const inbound: Inbound = { kind: "application", message: { type: "constructor" } };
    const [message] = said(openSession().receive(inbound)) as [{ code: string; message: string }];
    assertEquals(message.code, "unknown_type");
    assertEquals(message.message, "Unknown message type: constructor");
  });

  it("refuses what comes above the messages in flight at once and out of turn", () => {
    const session = openSession({ inFlight: 3 });
    const effects = session.receive(request({ type: "subscribe", channels: ["a"] }));
    session.receive(ping("1"));
    session.receive(ping("2"));
    const [refusal] = said(session.receive(ping("3"))) as [
      { code: string; correlation_id: string },
    ];
    assertEquals([refusal.code, refusal.correlation_id], ["rate_limited", "3"]);
    session.settle(idOf(effects, "join"), granted("a"));
    assertEquals(said(session.receive(ping("4"))), [
      { type: "pong", correlation_id: "4", timestamp },
    ]);
  });

  it("counts messages whose handlers run as in flight", () => {
    const session = openSession({ inFlight: 1 });
    const effects = session.receive(chat());
    assertEquals(session.inFlight, 1);
    const [refusal] = said(session.receive(ping("1"))) as [{ code: string }];
    assertEquals(refusal.code, "rate_limited");
    assertEquals(session.settle(idOf(effects, "handle"), { kind: "handled" }), []);
    assertEquals(session.inFlight, 0);
  });

  it("refuses what would wait with more bytes than may wait, but never a message that waits alone", () => {
    const session = openSession({ inFlightBytes: 1_000 });
    const effects = session.receive(request({ type: "subscribe", channels: ["a"] }), 5_000);
    assertEquals(session.inFlight, 1);
    const [refusal] = said(session.receive(ping("1"), 1)) as [{ code: string }];
    assertEquals(refusal.code, "rate_limited");
    session.settle(idOf(effects, "join"), granted("a"));
    const handled = [session.receive(chat(), 500), session.receive(chat(), 500)];
    assertEquals(said(session.receive(chat(), 1)).length, 1);
    assertEquals(session.inFlight, 2);
    session.settle(idOf(handled[0]!, "handle"), { kind: "handled" });
    assertEquals(said(session.receive(chat(), 500)), ["handle"]);
  });

  it("asks for the past from where the client stood, or for the newest, channel by channel", () => {
    const position = { epoch: "e", offset: 3 };
    const positions = { a: position, other: position };
    const channels = ["a", "b", "constructor"];
    const effects = openSession().receive(
      request({ type: "subscribe", channels, positions, last: 5 }),
    );
    assertEquals(effects, [{
      kind: "join",
      id: 1,
      joins: [
        { channel: "a", since: position },
        { channel: "b", last: 5 },
        { channel: "constructor", last: 5 },
      ],
    }]);
  });

  it("tells which channels were recovered, and names none where nothing was asked", () => {
    const session = openSession();
    const effects = session.receive(request({ type: "subscribe", channels: ["a", "b", "c"] }));
    const [answer] = session.settle(idOf(effects, "join"), {
      kind: "joined",
      results: [
        { channel: "a", position: zero, recovered: true },
        { channel: "b", position: zero, recovered: false },
        { channel: "c", position: zero },
      ],
    });
    assert(answer?.kind === "send" && answer.message.type === "subscribed");
    assertEquals(answer.message.recovered, { a: true, b: false });
  });

  it("takes a resume once, before any subscribe, and not after one by the handshake", () => {
    const resume = request({ type: "resume", reconnection_token: "t" });
    const refusalOf = (session: Hundred) => {
      const [message] = said(session.receive(resume)) as [{ code?: string }];
      return message.code;
    };
    const again = openSession();
    const effects = again.receive(resume);
    again.settle(idOf(effects, "resume"), {
      kind: "failed",
      failure: failure("session_expired", "none"),
    });
    assertEquals(refusalOf(again), "invalid_message");
    const unlucky = openSession();
    unlucky.settle(idOf(unlucky.receive(resume), "resume"), {
      kind: "failed",
      failure: failure("broker_unavailable", "not now"),
    });
    assertEquals(unlucky.receive(resume).map(({ kind }) => kind), ["resume"]);
    assertEquals(refusalOf(subscribedSession("a")), "invalid_message");
    const greeted = newSession();
    greeted.open(connected, [{ channel: "a", position: zero }]);
    assertEquals(refusalOf(greeted), "invalid_message");
    assertEquals([...greeted.subscriptions], ["a"]);
  });

  it("goes on with what a resumed session was subscribed to, the hub's own left out", () => {
    const session = openSession();
    const effects = session.receive(request({ type: "resume", reconnection_token: "t" }));
    const [answer] = session.settle(idOf(effects, "resume"), {
      kind: "resumed",
      clientId: connected.client_id,
      reconnectionToken: "next",
      expiresIn: 300,
      results: [
        { channel: "@all", position: zero, recovered: true },
        { channel: "a", position: zero, recovered: true },
        { channel: "b", failure: failure("forbidden", "no more") },
      ],
    });
    assert(answer?.kind === "send" && answer.message.type === "resumed");
    assertEquals(answer.message.channels, ["a"]);
    assertEquals(answer.message.positions, { "@all": zero, a: zero });
    assertEquals(answer.message.rejected?.map(({ channel }) => channel), ["b"]);
    assertEquals([...session.subscriptions], ["a"]);
  });

  it("does not answer acknowledgements, and keeps their turn", () => {
    const session = openSession();
    const effects = session.receive(request({ type: "subscribe", channels: ["a"] }));
    const ack = request({ type: "ack", ack_ids: ["e.1"], correlation_id: "x" });
    assertEquals(session.receive(ack), []);
    const [, acknowledged, ...rest] = session.settle(idOf(effects, "join"), granted("a"));
    assertEquals([acknowledged, rest], [{ kind: "acknowledge", ackIds: ["e.1"] }, []]);
  });

  it("refuses the past and the presence of what a client may not name", () => {
    for (const type of ["history", "presence"] as const) {
      for (const [channel, code] of [["@all", "forbidden"], ["a b", "invalid_channel"]] as const) {
        const [message] = said(openSession().receive(request({ type, channel }))) as [
          { code: string },
        ];
        assertEquals(message.code, code);
      }
    }
  });

  it("closes rather than refuse before connected, since nothing may come before it", () => {
    const session = newSession({ inFlight: 2 });
    session.receive(ping("1"));
    session.receive(ping("2"));
    assertEquals(session.receive(ping("3")), [
      { kind: "close", close: { code: 1013, reason: "try again later" } },
    ]);
    assertEquals(session.open(connected), []);
  });
});

describe("Session.settle()", () => {
  it("answers a failed request with the error, the correlation id and when to try again", () => {
    const session = openSession();
    const effects = session.receive(
      request({ type: "get_subscriptions", correlation_id: "which" }),
    );
    const reason = { ...failure("broker_unavailable", "away"), retryAfter: 2 };
    const [message] = said(
      session.settle(idOf(effects, "locate"), { kind: "failed", failure: reason }),
    ) as [Record<string, unknown>];
    assertEquals(
      [message["code"], message["correlation_id"], message["retry_after"], message["recoverable"]],
      ["broker_unavailable", "which", 2, true],
    );
  });

  it("answers a failed handler, whatever was answered in between", () => {
    const session = openSession();
    const effects = session.receive(chat("slow"));
    session.receive(ping("1"));
    const outcome = { kind: "failed", failure: failure("internal", "the handler failed") } as const;
    const [message] = said(session.settle(idOf(effects, "handle"), outcome)) as [
      { code: string; correlation_id: string },
    ];
    assertEquals([message.code, message.correlation_id], ["internal", "slow"]);
  });

  it("takes an outcome once, and none that nobody waits for", () => {
    const session = openSession();
    const effects = session.receive(request({ type: "subscribe", channels: ["a"] }));
    const id = idOf(effects, "join");
    assertEquals(session.settle(id + 1, granted("a")), []);
    assertEquals(session.settle(id, granted("a")).length, 1);
    assertEquals(session.settle(id, granted("a")), []);
  });
});

describe("Session.revoke()", () => {
  it("leaves the channels, and tells the peer which and why", () => {
    const session = subscribedSession("a", "b");
    assertEquals(session.revoke(["b", "never"], failure("forbidden", "no more")), [
      { kind: "leave", channels: ["b"] },
      {
        kind: "send",
        message: {
          type: "unsubscribed",
          channels: ["b"],
          code: "forbidden",
          message: "no more",
          timestamp,
        },
      },
    ]);
    assertEquals([...session.subscriptions], ["a"]);
  });

  it("says nothing of channels there was no subscription to", () => {
    assertEquals(subscribedSession("a").revoke(["b"], failure("forbidden", "no more")), []);
  });

  it("keeps what was revoked out of an answer that was under way", () => {
    const session = subscribedSession("a", "b");
    const effects = session.receive(request({ type: "get_subscriptions" }));
    session.revoke(["a"], failure("forbidden", "no more"));
    const positions = { a: zero, b: zero };
    const [answer] = session.settle(idOf(effects, "locate"), { kind: "located", positions });
    assert(answer?.kind === "send" && answer.message.type === "subscriptions");
    assertEquals([answer.message.channels, answer.message.positions], [["b"], { b: zero }]);
  });
});

describe("Session.close()", () => {
  it("tells why and when to come back, then closes, and nothing follows", () => {
    const session = subscribedSession("a");
    const farewell = { reconnection_token: "token", expires_in: 300, retry_after: 5 };
    assertEquals(session.close(closeTable.service_restart, farewell), [
      {
        kind: "send",
        message: { type: "disconnected", reason: "service restart", ...farewell, timestamp },
      },
      { kind: "close", close: { code: 1012, reason: "service restart" } },
    ]);
    assertEquals(session.close(closeTable.normal), []);
    assertEquals(session.receive(ping("1")), []);
    assertEquals(session.advance(1e9, 0), []);
    assertEquals(session.revoke(["a"], failure("forbidden", "late")), []);
    assertEquals(session.deadline, undefined);
  });

  it("sends nothing before connected", () => {
    const close = { code: 4000, reason: "not you" };
    assertEquals(newSession().close(close), [{ kind: "close", close }]);
  });

  it("drops the outcome of what was under way", () => {
    const session = openSession();
    const effects = session.receive(request({ type: "subscribe", channels: ["a"] }));
    session.closed();
    assertEquals(session.settle(idOf(effects, "join"), granted("a")), []);
    assertEquals(session.inFlight, 0);
  });
});

describe("authenticate", () => {
  const authenticate = request({ type: "authenticate", token: "t", correlation_id: "1" });

  it("holds up what comes after it, and takes away first what the role lost", () => {
    const session = subscribedSession("a", "b");
    const effects = session.receive(authenticate);
    assertEquals(session.receive(request({ type: "get_subscriptions" })), []);
    const settled = session.settle(idOf(effects, "authenticate"), {
      kind: "authenticated",
      userId: "u",
      role: "viewer",
      expiresIn: 60,
      lost: { channels: ["a"], reason: failure("forbidden", "no") },
    });
    assertEquals(said(settled), [
      {
        type: "authenticated",
        user_id: "u",
        role: "viewer",
        token_expires_in: 60,
        correlation_id: "1",
        timestamp,
      },
      "leave",
      { type: "unsubscribed", channels: ["a"], code: "forbidden", message: "no", timestamp },
      "locate",
    ]);
    assertEquals([...session.subscriptions], ["b"]);
  });

  it("changes nothing where it fails", () => {
    const session = subscribedSession("a");
    const id = idOf(session.receive(authenticate), "authenticate");
    const [error] = said(
      session.settle(id, { kind: "failed", failure: failure("token_expired", "over") }),
    ) as Record<string, unknown>[];
    assertEquals([error?.["code"], error?.["correlation_id"]], ["token_expired", "1"]);
    assertEquals([...session.subscriptions], ["a"]);
  });
});
