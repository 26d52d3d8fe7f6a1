import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { cases } from "./cases.ts";
import { breakages } from "./reference/broken/all.ts";
import { bite } from "./reference/broken/bite.ts";
import type { Breakage } from "./reference/broken/breakage.ts";
import { control } from "./reference/broken/control.ts";
import { deflate } from "./reference/broken/deflate.ts";
import { frames } from "./reference/broken/frames.ts";
import { handshake } from "./reference/broken/handshake.ts";
import { messages } from "./reference/broken/messages.ts";
import { texts } from "./reference/broken/texts.ts";
import { fitsAny } from "./runner/select.ts";
import { sideBySide } from "./side_by_side.ts";

const GROUPS: Readonly<Record<string, readonly Breakage[]>> = {
  "the opening handshake": handshake,
  "frames": frames,
  "messages": messages,
  "control frames and closing": control,
  "UTF-8": texts,
  "permessage-deflate": deflate,
};

/** Longer than a runtime lets a test take by itself, even on a busy machine. */
const LONG = { timeout: 300_000 } as const;

describe("the kit", () => {
  for (const [what, group] of Object.entries(GROUPS)) {
    it(`finds every server that breaks a requirement of ${what}`, LONG, async () => {
      const missed: string[] = [];
      await sideBySide(6, group, async (breakage) => {
        const { wrong, unrelated } = await bite(breakage, "quick");
        if (wrong !== null) missed.push(`${breakage.name}: ${wrong} ${unrelated}`);
      });
      assertEquals(missed, []);
    });
  }

  it("names cases that there are, as those that find a broken server and blame it too", () => {
    const ids = cases.map(({ id }) => id);
    const vain = breakages.flatMap(({ name, foundBy, also = {} }) =>
      [...foundBy, ...Object.keys(also)].filter((glob) => !ids.some((id) => fitsAny([glob], id)))
        .map((glob) => `${name}: ${glob}`)
    );
    assertEquals(vain, []);
  });

  it("has a name of its own for each broken server", () => {
    assertEquals(new Set(breakages.map(({ name }) => name)).size, breakages.length);
  });
});
