import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { blamesOf } from "./blame.ts";
import { unusual } from "./reference/unusual/all.ts";
import type { Unusual } from "./reference/unusual/unusual.ts";
import { sideBySide } from "./side_by_side.ts";

/** A few of each kind; `teeth.ts --unusual` runs them all. */
const SOME = [
  "rfc6455/4.2.2/*",
  "rfc6455/4.2.1/version-*",
  "rfc6455/5.1/*",
  "rfc6455/5.2/server-*",
  "rfc6455/5.2/*-of-*",
  "rfc6455/5.2/high-bit-*",
  "rfc6455/5.2/rsv1-on-*",
  "rfc6455/5.2/opcode-3-*",
  "rfc6455/5.4/*-in-fragments-*",
  "rfc6455/5.4/interleaved-*",
  "rfc6455/5.4/any-*",
  "rfc6455/5.5*",
  "rfc6455/5.6/*",
  "rfc6455/7.*",
  "rfc6455/8.1/byte-ff-*",
  "rfc6455/8.1/invalid-*",
  "rfc6455/6.2/*-messages*",
  "rfc6455/10.4/twenty-*",
  "rfc7692/5/*",
  "rfc7692/6*",
  "rfc7692/7/list-*",
  "rfc7692/7.1*",
  "rfc7692/7.2.1/server-*",
  "rfc7692/7.2.1/bfinal-*",
  "rfc7692/7.2.2/*takeover*",
  "rfc7692/7.2.2/any-*",
  "rfc7692/7.2.*/example-*",
];

const LARGE = ["*-mib*", "*-kib", "rfc6455/6.2/thousand-*"];

/** What is enough of a server that takes its time. */
const FEW = [
  "rfc6455/5.4/text-in-*",
  "rfc6455/5.5.2/*",
  "rfc6455/7.1.7/*",
  "rfc7692/7.2.*/example-*",
];

const blames = (one: Unusual) =>
  blamesOf(one, { runs: 3, only: one.slow === true ? FEW : SOME, skip: LARGE });

/** Longer than a runtime lets a test take by itself, even on a busy machine. */
const LONG = { timeout: 300_000 } as const;

describe("the kit blames nothing on a server that", () => {
  const size = Math.ceil(unusual.length / 4);
  for (let at = 0; at < unusual.length; at += size) {
    const group = unusual.slice(at, at + size);
    const names = group.map(({ name }) => name);
    it(`${names.slice(0, 3).join(", ")} … (${names.length} servers)`, LONG, async () => {
      const blamed: string[] = [];
      await sideBySide(2, group, async (one) => {
        for (const blame of await blames(one)) blamed.push(`${one.name}: ${blame}`);
      });
      assertEquals(blamed, []);
    });
  }
});
