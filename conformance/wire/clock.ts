/**
 * The clock by which the kit waits for a server: it stands still while the kit itself does. A process
 * that got no processor time has seen nothing, so that it can hold no silence against anybody.
 *
 * @module
 */

/** Milliseconds between two looks at the clock while something is waited for. */
const TICK = 20;

/** What counts at most between two looks: above that, the process stood still. */
const MOST = 2 * TICK;

interface Alarm {
  readonly at: number;
  readonly ring: () => void;
  isDue: boolean;
}

let awake = 0;
let looked = performance.now();
let timer: ReturnType<typeof setTimeout> | undefined;
const alarms = new Set<Alarm>();

/** Milliseconds that the process was awake while it waited, since it began; never more than passed. */
export function awakeNow(): number {
  const now = performance.now();
  awake += Math.min(now - looked, MOST);
  looked = now;
  return awake;
}

/**
 * Calls `ring` once the process was awake for so long, and then for 20 to 40 ms more: what had come
 * in time is read by then.
 *
 * @returns what calls it off
 */
export function setAlarm(milliseconds: number, ring: () => void): () => void {
  const alarm = { at: awakeNow() + milliseconds, ring, isDue: false };
  alarms.add(alarm);
  timer ??= setTimeout(tick, TICK);
  return () => {
    alarms.delete(alarm);
    if (alarms.size > 0) return;
    clearTimeout(timer);
    timer = undefined;
  };
}

function tick(): void {
  const now = awakeNow();
  timer = undefined;
  for (const alarm of alarms) {
    if (alarm.isDue) {
      alarms.delete(alarm);
      alarm.ring();
    }
    alarm.isDue = alarm.at <= now;
  }
  if (alarms.size > 0) timer ??= setTimeout(tick, TICK);
}
