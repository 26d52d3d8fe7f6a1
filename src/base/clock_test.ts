import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import fc from "fast-check";
import { manualClock, systemClock } from "./clock.ts";

describe("manualClock()", () => {
  it("stands still until it is advanced, and moves both times alike", () => {
    const clock = manualClock(1_000_000);
    assertEquals([clock.now(), clock.wall()], [0, 1_000_000]);
    clock.advance(250);
    assertEquals([clock.now(), clock.wall()], [250, 1_000_250]);
  });

  it("runs timers in the order of their time, each at its own time", () => {
    const clock = manualClock();
    const ran: string[] = [];
    clock.after(30, () => ran.push(`late ${clock.now()}`));
    clock.after(10, () => ran.push(`early ${clock.now()}`));
    clock.every(20, () => ran.push(`again ${clock.now()}`));
    clock.advance(40);
    assertEquals(ran, ["early 10", "again 20", "late 30", "again 40"]);
  });

  it("does not run a timer that was cancelled, also by another timer of the same time", () => {
    const clock = manualClock();
    let ran = 0;
    const cancelFirst = clock.after(10, () => ran++);
    cancelFirst();
    clock.after(20, () => cancelSecond());
    const cancelSecond = clock.after(20, () => ran++);
    clock.advance(100);
    assertEquals(ran, 0);
  });

  it("runs a timer that another one sets, where it falls due within the same advance", () => {
    const clock = manualClock();
    const ran: number[] = [];
    clock.after(10, () => clock.after(5, () => ran.push(clock.now())));
    clock.advance(15);
    assertEquals(ran, [15]);
  });

  it("does not go back where a timer advances it further", () => {
    const clock = manualClock();
    clock.after(10, () => clock.advance(100));
    clock.advance(20);
    assertEquals(clock.now(), 110);
  });

  it("calls what is due every n milliseconds once for each n milliseconds, however it is advanced", () => {
    fc.assert(fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.array(fc.integer({ min: 0, max: 200 })),
      (period, steps) => {
        const clock = manualClock();
        let ran = 0;
        clock.every(period, () => ran++);
        for (const step of steps) clock.advance(step);
        assertEquals(ran, Math.floor(clock.now() / period));
      },
    ));
  });
});

describe("systemClock", () => {
  it("has a monotonic time and a wall time in milliseconds", () => {
    const before = systemClock.now();
    assert(systemClock.now() >= before);
    assert(Math.abs(systemClock.wall() - Date.now()) < 1000);
  });

  it("runs a timer once, a repeated one until it is cancelled", async () => {
    let repeats = 0;
    // The clock's timers keep no process alive, so the test must.
    const alive = setInterval(() => {}, 1_000);
    await new Promise<void>((resolve) => {
      const cancel = systemClock.every(1, () => {
        if (++repeats < 3) return;
        cancel();
        systemClock.after(10, resolve);
      });
    });
    clearInterval(alive);
    assertEquals(repeats, 3);
  });

  it("does not run a timer that was cancelled", async () => {
    let ran = false;
    systemClock.after(0, () => ran = true)();
    await new Promise((resolve) => setTimeout(resolve, 5));
    assertEquals(ran, false);
  });
});
