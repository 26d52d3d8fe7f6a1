import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Clock, type ManualClock, manualClock } from "./clock.ts";
import { type Timed, TimerWheel } from "./wheel.ts";

/** Notes when it fell due. */
class Probe implements Timed {
  readonly fell: number[] = [];
  readonly #then: (now: number) => void;

  constructor(then: (now: number) => void = () => {}) {
    this.#then = then;
  }

  due(now: number): void {
    this.fell.push(now);
    this.#then(now);
  }
}

/** Counts the timers of a clock that run. */
function counted(clock: ManualClock): { readonly clock: Clock; readonly running: () => number } {
  let running = 0;
  return {
    running: () => running,
    clock: {
      ...clock,
      every(ms, fn) {
        running++;
        const cancel = clock.every(ms, fn);
        return () => {
          running--;
          cancel();
        };
      },
    },
  };
}

describe("TimerWheel", () => {
  it("calls once, not before the deadline and at most a tick after it, for any deadlines", () => {
    fc.assert(fc.property(
      fc.nat(5_000),
      fc.array(fc.record({ wait: fc.nat(200), until: fc.nat(120_000) }), { maxLength: 30 }),
      (start, schedules) => {
        const clock = manualClock();
        clock.advance(start);
        const wheel = new TimerWheel(clock, 100);
        const probes = schedules.map(({ wait, until }) => {
          clock.advance(wait);
          const probe = new Probe();
          const deadline = clock.now() + until;
          wheel.schedule(probe, deadline);
          return { probe, deadline };
        });
        clock.advance(130_000);
        for (const { probe, deadline } of probes) {
          assertEquals(probe.fell.length, 1);
          const [fell] = probe.fell;
          assert(fell! >= deadline && fell! <= deadline + 100, `${fell} for ${deadline}`);
        }
        assertEquals(wheel.size, 0);
      },
    ));
  });

  it("keeps the last schedule of each, through any schedules and cancels", () => {
    const probes = [new Probe(), new Probe(), new Probe()] as const;
    fc.assert(fc.property(
      fc.array(fc.record({
        which: fc.constantFrom(0, 1, 2),
        until: fc.option(fc.integer({ min: -500, max: 90_000 })),
        wait: fc.nat(300),
      })),
      (steps) => {
        const clock = manualClock();
        const wheel = new TimerWheel(clock, 100);
        const expected = new Map<number, { readonly from: number; readonly latest: number }>();
        for (const probe of probes) probe.fell.length = 0;
        const settle = () => {
          probes.forEach(({ fell }, which) => {
            for (const at of fell.splice(0)) {
              const deadline = expected.get(which);
              assert(deadline !== undefined, "one that was not scheduled fell due");
              const { from, latest } = deadline;
              assert(at >= from && at <= latest, `${at} is not from ${from} to ${latest}`);
              expected.delete(which);
            }
          });
          assertEquals(wheel.size, expected.size);
        };
        for (const { which, until, wait } of steps) {
          if (until === null) {
            wheel.cancel(probes[which]!);
            expected.delete(which);
          } else {
            wheel.schedule(probes[which]!, clock.now() + until);
            const from = clock.now() + until;
            expected.set(which, { from, latest: Math.max(from, clock.now()) + 100 });
          }
          clock.advance(wait);
          settle();
        }
        clock.advance(100_000);
        settle();
        assertEquals(expected.size, 0);
      },
    ));
  });

  it("calls a deadline that has passed in the next tick", () => {
    const clock = manualClock();
    clock.advance(10_000);
    const wheel = new TimerWheel(clock, 100);
    const probe = new Probe();
    wheel.schedule(probe, 1);
    assertEquals(probe.fell, []);
    clock.advance(100);
    assertEquals(probe.fell, [10_100]);
  });

  it("catches up with everything where the process stood still for many rounds", () => {
    let now = 0;
    let turn = () => {};
    const clock: Clock = {
      ...manualClock(),
      now: () => now,
      every: (_, fn) => {
        turn = fn;
        return () => {};
      },
    };
    const wheel = new TimerWheel(clock, 100);
    const probes = Array.from({ length: 600 }, () => new Probe());
    probes.forEach((probe, i) => wheel.schedule(probe, i * 100));
    now = 10_000_000;
    turn();
    assertEquals(probes.filter(({ fell }) => fell.length === 1).length, 600);
  });

  it("lets one that falls due cancel another and schedule itself again", () => {
    const clock = manualClock();
    const wheel = new TimerWheel(clock, 100);
    const victim = new Probe();
    const first: Probe = new Probe((now) => {
      wheel.cancel(victim);
      if (first.fell.length < 3) wheel.schedule(first, now + 1_000);
    });
    wheel.schedule(first, 50);
    wheel.schedule(victim, 50);
    clock.advance(10_000);
    assertEquals(first.fell, [100, 1_100, 2_100]);
    assertEquals(victim.fell, []);
  });

  it("runs one timer for any number of deadlines, and none while nothing waits", () => {
    const manual = manualClock();
    const { clock, running } = counted(manual);
    const wheel = new TimerWheel(clock, 100);
    assertEquals(running(), 0);
    const probes = Array.from({ length: 1_000 }, () => new Probe());
    probes.forEach((probe, i) => wheel.schedule(probe, i * 10));
    assertEquals(running(), 1);
    manual.advance(20_000);
    assertEquals(probes.every(({ fell }) => fell.length === 1), true);
    assertEquals(running(), 0);
    wheel.schedule(probes[0]!, 25_000);
    assertEquals(running(), 1);
    wheel.clear();
    assertEquals([running(), wheel.size], [0, 0]);
    manual.advance(60_000);
    assertEquals(probes[0]!.fell.length, 1);
  });
});
