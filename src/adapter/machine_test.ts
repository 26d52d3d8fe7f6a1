import { describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { machineSampler } from "./machine.ts";

describe("machineSampler()", () => {
  it("tells the memory of this process in units of 1,048,576 bytes", () => {
    const { memory_mb } = machineSampler()();
    assert(memory_mb > 5 && memory_mb < 16_384, `${memory_mb}`);
  });

  it("sees this process grow", () => {
    const sample = machineSampler();
    const before = sample().memory_mb;
    const held = new Uint8Array(128 * 1_048_576).fill(1);
    const after = sample().memory_mb;
    assert(after - before > 64, `${before} to ${after}`);
    assertEquals(held.at(-1), 1);
  });

  it("tells how busy the processors were since the last call, 0 to 100", () => {
    const sample = machineSampler();
    // The kernel counts in hundredths of a second: work until it has counted some.
    for (;;) {
      for (let i = 0, x = 1; i < 1e6; i++) x = x * 31 % 65_521;
      const { cpu_percent } = sample();
      assert(cpu_percent >= 0 && cpu_percent <= 100, `${cpu_percent}`);
      if (cpu_percent > 0) break;
    }
  });

  it("keeps samplers apart", () => {
    const [one, other] = [machineSampler(), machineSampler()];
    one();
    const { cpu_percent } = other();
    assert(cpu_percent >= 0 && cpu_percent <= 100);
  });
});
