import { after, before, describe, it } from "node:test";
import process from "node:process";
import { assert, assertEquals } from "@std/assert";
import { REQUIREMENTS } from "../../channels/protocol.ts";
import { UNOBSERVABLE } from "../../channels/unobservable.ts";
import { broken } from "./all.ts";
import { biteEach, blamesOfAltered, idsOf, type Right, startRight } from "./bite.ts";
import { unusualServers } from "./unusual.ts";

const onNode = process.versions["bun"] === undefined && process.versions["deno"] === undefined;
const skip = onNode ? false : "the kit and its proxy are the same everywhere: judged on Node";

/** The server that is altered. */
const PROFILE = "src/testing/kit/profile.json";

/** A few of each area, and none that waits for long; `teeth.ts --unusual` runs them all. */
const SOME = [
  "con/*",
  "msg/*",
  "hel/*",
  "sub/*",
  "own/*",
  "gap/1-*",
  "gap/2-*",
  "gap/3-*",
  "his/1-*",
  "his/5-*",
  "his/9-*",
  "res/9*",
  "res/1*",
  "res/27-asked",
  "res/28-*",
  "pub/*",
  "evt/*",
  "ord/*",
  "err/*",
  "bat/*",
];

describe("the kit, at the channel level,", { skip }, () => {
  let right: Right;
  before(async () => void (right = await startRight(PROFILE)));
  after(async () => await right[Symbol.asyncDispose]());

  it("finds every broken server by the cases named", { timeout: 300_000 }, async () => {
    const missed: string[] = [];
    await biteEach(broken, right, "quick", (one, { wrong }) => {
      if (wrong !== null) missed.push(`a server that ${one.name} (${one.breaks}): ${wrong}`);
    });
    assertEquals(missed, []);
  });

  it("blames a right server for nothing by those cases", { timeout: 300_000 }, async () => {
    const all = broken.filter(({ goesDown }) => goesDown !== true).flatMap(idsOf);
    assertEquals(await blamesOfAltered({}, right, [...new Set(all)]), []);
  });

  for (const { name, how } of unusualServers.slice(1)) {
    it(`blames nothing on a server that ${name}`, { timeout: 300_000 }, async () => {
      assertEquals(await blamesOfAltered(how, right, SOME.map((one) => `channels/${one}`)), []);
    });
  }
});

describe("the broken servers of Protocol 1", () => {
  it("have a name each, and break a requirement that there is", () => {
    assertEquals(new Set(broken.map(({ name }) => name)).size, broken.length);
    for (const { name, breaks } of broken) assert(REQUIREMENTS.has(breaks), `${name}: ${breaks}`);
  });

  it("are at least one for every MUST and SHOULD that a case can hold a server to", () => {
    const broke = new Set(broken.map(({ breaks }) => breaks));
    const spared = [...REQUIREMENTS.values()].filter(({ id, level }) =>
      level !== "MAY" && UNOBSERVABLE[id] === undefined && !broke.has(id)
    );
    assertEquals(spared.map(({ id }) => id), []);
  });
});
