import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { runtime } from "../testing/serve.ts";
import { heddle, listens, Running } from "./testing.ts";

/** The start commands of the runtime the test runs in, as the README has them. */
const commands: readonly (readonly [string, ...string[]])[] = {
  node: [["npm", "start"]],
  deno: [["deno", "task", "start"], ["npm", "run", "start:deno"]],
  bun: [["bun", "run", "start:bun"], ["npm", "run", "start:bun"]],
}[runtime] as [string, ...string[]][];

for (const [program, ...args] of commands) {
  describe([program, ...args].join(" "), () => {
    // Ctrl-C in a terminal goes to the whole group: the command hands on what its child has already got.
    for (const to of ["process", "group"] as const) {
      for (const signal of ["SIGINT", "SIGTERM"] as const) {
        it(`drains and exits with 0 when its ${to} gets ${signal}`, async () => {
          await using start = new Running(
            program,
            args,
            { PORT: "0", METRICS_INTERVAL: "0.1" },
            true,
          );
          const { url } = await listens(start);
          await using client = heddle(
            ["connect", "--url", url, "--subscribe", "metrics,status", "--format", "compact"],
          );
          await client.sees(/metrics system_metrics/);
          start.signal(signal, to);
          await client.sees(/status status\.draining/);
          await client.sees(/1012/, "stderr");
          assertEquals(await start.exited, 0, start.stderr);
        });
      }
    }
  });
}
