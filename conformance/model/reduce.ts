/**
 * From steps that break something to few and plain ones that still do.
 *
 * @module
 */
import type { Step } from "./step.ts";

type Steps = readonly Step[];

/** What each kind of step is at its plainest. */
const PLAIN: Readonly<Partial<Record<Step["does"], Readonly<Record<string, unknown>>>>> = {
  subscribe: { from: "now" },
  publish: { count: 1, echo: null, id: null },
  history: { since: "start", limit: null },
  tell: { to: "client" },
  resume: { by: "message", positions: true, spent: false },
};

/**
 * Leaves out steps, many at once at first, and then makes plainer what is left, as long as it still
 * breaks. (fast-check's own shrinking of lists tries far more of them, which costs a run each.)
 */
export async function reduce(
  steps: Steps,
  breaks: (steps: Steps) => Promise<boolean>,
): Promise<Steps> {
  let smallest = steps;
  const tries = async (candidate: Steps): Promise<boolean> => {
    if (!await breaks(candidate)) return false;
    smallest = candidate;
    return true;
  };
  for (let before = Infinity; smallest.length < before;) {
    before = smallest.length;
    for (let size = Math.ceil(before / 2); size >= 1; size = Math.floor(size / 2)) {
      for (let end = smallest.length; end > 0; end -= size) {
        const start = Math.max(0, end - size);
        if (smallest.length > end - start) await tries(smallest.toSpliced(start, end - start));
      }
    }
  }
  await tries(smallest.map((step) => ({ ...step, where: 0 })));
  for (let i = 0; i < smallest.length; i++) {
    for (const plain of plainer(smallest[i])) await tries(smallest.with(i, plain));
  }
  return smallest;
}

/** The same step with one thing plainer, by turns. */
function* plainer(step: Step | undefined): Generator<Step> {
  if (step === undefined) return;
  let so: Step = step;
  for (const [field, value] of Object.entries({ hasty: false, ...PLAIN[step.does] })) {
    if (Reflect.get(so, field) === value) continue;
    so = { ...so, [field]: value };
    yield so;
  }
}
