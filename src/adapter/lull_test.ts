import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { Lull } from "./lull.ts";

describe("Lull", () => {
  it("comes when nothing is said any more", () =>
    new Promise<void>((resolve) => {
      const lull = new Lull(resolve);
      for (let i = 0; i < 10; i++) lull.heard();
    }));

  it("is not waited for with a peer that floods: a thousand messages are read, and no more", () => {
    let ends = 0;
    const lull = new Lull(() => void ends++);
    for (let i = 0; i < 999; i++) lull.heard();
    assertEquals(ends, 0);
    for (let i = 0; i < 10; i++) lull.heard();
    assertEquals(ends, 1);
  });

  it("is over at once where it is ended, and only once", () => {
    let ends = 0;
    const lull = new Lull(() => void ends++);
    lull.end();
    lull.end();
    assertEquals(ends, 1);
  });
});
