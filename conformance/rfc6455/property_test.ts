import { describe, it } from "node:test";
import { assertEquals, assertMatch } from "@std/assert";
import { type Rules, strictRules as strict } from "../reference/rules.ts";
import { startReference } from "../reference/server.ts";
import { runConformance } from "../runner/run.ts";

/** Answers nothing on any connection, once it was sent opcode 3. */
function dying(): Partial<Rules> {
  let dead = false;
  return {
    checkOpcode: (head, state) => {
      dead ||= head.opcode === 3;
      return strict.checkOpcode(head, state);
    },
    pong: (payload, state) => dead ? [] : strict.pong(payload, state),
  };
}

/** Broken servers: the property that finds each, and what its smallest input looks like. */
const BROKEN: Readonly<Record<string, readonly [Partial<Rules>, id: string, smallest: RegExp]>> = {
  "takes unmasked frames": [
    { checkMask: () => null },
    "5.1/any-stream-then-unmasked-frame",
    /^(text|binary|ping|pong) \(unmasked\) ""$/,
  ],
  "takes RSV3": [
    { checkRsv: (head, state) => strict.checkRsv({ ...head, rsv: head.rsv & 6 }, state) },
    "5.2/any-stream-then-reserved-bits",
    /^(text|binary|ping|pong) \(RSV3\) ""$/,
  ],
  "passes over opcode 12": [
    { checkOpcode: (head, state) => head.opcode === 12 ? null : strict.checkOpcode(head, state) },
    "5.2/any-stream-then-reserved-opcode",
    /^opcode 12 ""$/,
  ],
  "answers long Pings": [
    { checkControl: (head, state) => head.opcode === 9 ? null : strict.checkControl(head, state) },
    "5.5/any-stream-then-control-frame-too-long",
    /^ping 00 [^\n]*$/,
  ],
  "takes a message inside another": [
    { checkOrder: () => null },
    "5.4/any-stream-then-message-inside-message",
    /^text \(not final\) "begun"\n(text|binary)[^\n]* ""$/,
  ],
  "takes surrogates": [
    { checkText: (data, whole) => data.includes(0xed) || strict.checkText(data, whole) },
    "8.1/any-text",
    /ed a0 80/,
  ],
  "does not answer the code 4000 and above": [
    {
      closeReply: (body) => (body[0] ?? 0) * 256 + (body[1] ?? 0) >= 4000 ? null : body.slice(0, 2),
    },
    "5.5.1/any-close",
    /^close 4\d\d\d without reason$/,
  ],
  "dies of opcode 3": [dying(), "10.7/any-bytes", /then (fin|rst|none)$/],
  "reads Upgrade in one case alone": [
    {
      checkUpgrade: (request) =>
        request.values("upgrade")[0] === "websocket" ? null : { status: 400 },
    },
    "4.2.1/any-legal-spelling",
    /"Upgrade: ?W/i,
  ],
  "loses messages of 7 bytes": [
    { echo: (message) => message.data.length === 7 ? [] : [message] },
    "5.4/any-legal-stream",
    /^(text|binary) \S+( \S\S){0,6}[^\n]*$/,
  ],
};

describe("the properties", () => {
  for (const [what, [rules, id, smallest]] of Object.entries(BROKEN)) {
    it(`find a server that ${what}, and shrink what shows it`, async () => {
      const server = await startReference(rules);
      try {
        const options = { only: [`rfc6455/${id}`], seed: 3, runs: 300, timeout: 400 };
        const [one] = (await runConformance({ url: server.url, ...options })).cases;
        assertEquals([one?.verdict, one?.behaviour], ["fail", "broken"], one?.observed);
        const [found = ""] = one?.counterexample?.split("\n(run ") ?? [];
        assertMatch(found, smallest);
        assertMatch(one?.repeat ?? "", /--seed 3 --runs 300/);
      } finally {
        await server.close();
      }
    });
  }

  it("find a server that is wrong about one kind of frame alone, whatever the seed", async () => {
    const checkOpcode: Rules["checkOpcode"] = (head, state) =>
      head.opcode === 12 && !head.fin ? null : strict.checkOpcode(head, state);
    const checkControl: Rules["checkControl"] = (head, state) =>
      head.opcode === 12 ? null : strict.checkControl(head, state);
    const server = await startReference({ checkOpcode, checkControl });
    const only = ["rfc6455/5.2/any-stream-then-reserved-opcode"];
    try {
      for (const seed of [1, 2, 3, 4, 5]) {
        const options = { only, seed, timeout: 400 };
        const [one] = (await runConformance({ url: server.url, ...options })).cases;
        assertEquals(one?.verdict, "fail", `seed ${seed}: ${one?.observed}`);
        assertMatch(one?.counterexample ?? "", /opcode 12 \(not final\)/);
      }
    } finally {
      await server.close();
    }
  });
});
