import { describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { createProgress, type ProgressStream } from "./cli_progress.ts";
import { caseOf } from "./report/sample.ts";

describe("createProgress()", () => {
  const run = (stream: Omit<ProgressStream, "write">) => {
    const writes: string[] = [];
    const progress = createProgress({ ...stream, write: (text) => writes.push(text) });
    const report = { ...caseOf("x", "fail"), id: `rfc6455/5.1/${"long".repeat(30)}` };
    progress.tell({ kind: "started", total: 10, facts: null });
    progress.tell({ kind: "judged", report, done: 3, total: 10 });
    progress.end();
    return writes;
  };

  it("writes one line over and over on a terminal, never wider than that, and clears it", () => {
    const writes = run({ isTTY: true, columns: 40 });
    assertEquals(writes.length, 3);
    for (const text of writes) {
      assert(text.startsWith("\r\x1b[2K") && !text.includes("\n"));
      assert(text.length - "\r\x1b[2K".length < 40);
    }
    assert(writes[1]?.includes(" 3/10, 1 failed  rfc6455/5.1/long"));
    assertEquals(writes[2], "\r\x1b[2K");
  });

  it("writes nothing where it is piped", () => {
    assertEquals(run({}), []);
  });
});
