/** When a silent peer is pinged, and when it is given up. */
export interface LivenessOptions {
  /** Silence after which a Ping goes out, and between further ones; milliseconds. */
  readonly interval: number;
  /** Silence after which the peer counts as dead; milliseconds, more than `interval`. */
  readonly timeout: number;
}

/** The first and the last Ping since a peer was heard. Times are monotonic milliseconds. */
export interface Pings {
  readonly first: number;
  readonly last: number;
  readonly count: number;
}

/** When there is something to do about a peer, unless it is heard before. */
export function livenessDeadline(
  options: LivenessOptions,
  heard: number,
  pings: Pings | undefined,
): number {
  const { interval } = options;
  if (pings === undefined) return heard + interval;
  return Math.min(pings.last + interval, givenUpAt(options, pings));
}

/** Says whether a peer is to be given up once there is something to do about it; else it is pinged. */
export function isDead(options: LivenessOptions, pings: Pings | undefined, now: number): boolean {
  return pings !== undefined && now >= givenUpAt(options, pings);
}

/** Counted from the first Ping: a process that stood still must not take its own silence for the peer's. */
function givenUpAt({ interval, timeout }: LivenessOptions, { first }: Pings): number {
  return first + timeout - interval;
}
