/**
 * The figures the hub is to reach, each a ratio within one run or a size.
 *
 * @module
 */
import type { Place, Results } from "./results.ts";
import { WARM } from "./scenarios/accept.ts";
import type { TargetName } from "./targets.ts";

/** A figure to reach. */
export interface Goal {
  readonly title: string;
  readonly limit: number;
  readonly isAtLeast: boolean;
  readonly unit: string;
  value(results: Results): number | undefined;
}

const ONE = "1000 × 128 B, 1 a tick";
const MANY = "1000 × 128 B, 16 a tick";
const CPU = "CPU µs";
const RATE = "deliveries/s";

interface Compared {
  readonly of: Place;
  readonly to: Place;
}

function ratio(
  title: string,
  sign: "≤" | "≥",
  limit: number,
  { of, to }: Compared,
): Goal {
  const isAtLeast = sign === "≥";
  return {
    title,
    limit,
    isAtLeast,
    unit: "×",
    value: (results) => results.ratio(of, to),
  };
}

function bursts(
  of: TargetName,
  to: TargetName,
  cell: string,
  measure = CPU,
): Compared {
  return {
    of: ["fanout", of, cell, measure],
    to: ["fanout", to, cell, measure],
  };
}

function latencies(of: TargetName, to: TargetName): Compared {
  const cell = "50/s × 1000";
  return {
    of: ["latency", of, cell, "p99 ms"],
    to: ["latency", to, cell, "p99 ms"],
  };
}

/** How often what one takes fits into what the other takes, of the servers' CPU. */
function accepted(of: TargetName, to: TargetName): Goal {
  return ratio(`${of}: connections for the CPU, to ${to} without a check`, "≥", 0.7, {
    of: ["accept", to, WARM, CPU],
    to: ["accept", of, WARM, CPU],
  });
}

function compressed(
  of: string,
  to: string,
  cell: string,
  measure: string,
): Compared {
  return {
    of: ["compressed", of, cell, measure],
    to: ["compressed", to, cell, measure],
  };
}

function held(name: TargetName, limit: number): Goal {
  return {
    title: `${name}: memory of an idle connection, 10,000 of them`,
    limit,
    isAtLeast: false,
    unit: "KiB",
    value: (results) => results.median(["memory", name, "10000 connections", "KiB each"]),
  };
}

/** How much more a server's cost grows from 10 to 10,000 subscribers than the raw server's. */
function grown(name: TargetName, raw: TargetName): Goal {
  const of = (who: TargetName) => (results: Results) =>
    results.ratio(
      ["growth", who, "10000 × 128 B, 1 a tick", CPU],
      ["growth", who, "10 × 128 B, 1 a tick", CPU],
    );
  return {
    title: `${name}: growth of CPU per delivery, 10 → 10,000 subscribers, to that of ${raw}`,
    limit: 1.5,
    isAtLeast: false,
    unit: "×",
    value(results) {
      const own = of(name)(results);
      const others = of(raw)(results);
      return own === undefined || others === undefined ? undefined : own / others;
    },
  };
}

/** All of them. */
export const goals: readonly Goal[] = [
  ratio(
    "Node, 1 a tick: CPU to raw net",
    "≤",
    1.15,
    bursts("heddle on Node", "raw net on Node", ONE),
  ),
  ratio(
    "Node, 1 a tick: throughput to Socket.IO",
    "≥",
    1.5,
    bursts("heddle on Node", "Socket.IO on Node", ONE, RATE),
  ),
  ratio(
    "Node, 16 a tick: CPU to raw net, together",
    "≤",
    1.25,
    bursts("heddle on Node", "raw net, together", MANY),
  ),
  ratio(
    "Node, 16 a tick: throughput to Socket.IO",
    "≥",
    8,
    bursts("heddle on Node", "Socket.IO on Node", MANY, RATE),
  ),
  ratio(
    "Node, 16 a tick: throughput to ws loop",
    "≥",
    8,
    bursts("heddle on Node", "ws loop on Node", MANY, RATE),
  ),
  ratio(
    "Bun, 1 a tick: CPU to native publish",
    "≤",
    1.1,
    bursts("heddle on Bun", "Bun native publish", ONE),
  ),
  ratio(
    "Bun, 16 a tick: CPU to native publish",
    "≤",
    1.1,
    bursts("heddle on Bun", "Bun native publish", MANY),
  ),
  ratio(
    "Deno.serve, 1 a tick: CPU to loop",
    "≤",
    1.1,
    bursts("heddle on Deno.serve", "Deno.serve loop", ONE),
  ),
  ratio(
    "Deno.serve, 16 a tick, batches: throughput to loop",
    "≥",
    6,
    bursts("heddle on Deno.serve, batches", "Deno.serve loop", MANY, RATE),
  ),
  ratio(
    "Deno, Node adapter, 16 a tick: throughput to Deno.serve loop",
    "≥",
    8,
    bursts("heddle on Deno, Node adapter", "Deno.serve loop", MANY, RATE),
  ),
  ratio(
    "Node, compressed, 1 KiB: CPU to plain",
    "≤",
    1.1,
    compressed(
      "heddle on Node, deflate",
      "heddle on Node, plain",
      "1 KiB",
      CPU,
    ),
  ),
  ratio(
    "Node, compressed, 1 KiB: CPU of ws permessage-deflate to it",
    "≥",
    8,
    compressed(
      "ws permessage-deflate",
      "heddle on Node, deflate",
      "1 KiB",
      CPU,
    ),
  ),
  ratio(
    "Dictionary, 300 B: bytes on the wire to plain",
    "≤",
    0.3,
    compressed(
      "heddle on Node, dictionary",
      "heddle on Node, plain",
      "300 B",
      "bytes each",
    ),
  ),
  ratio(
    "Node: p99 to ws loop",
    "≤",
    1,
    latencies("heddle on Node", "ws loop on Node"),
  ),
  ratio("Bun: p99 to loop", "≤", 1, latencies("heddle on Bun", "Bun loop")),
  ratio(
    "Deno.serve: p99 to loop",
    "≤",
    1,
    latencies("heddle on Deno.serve", "Deno.serve loop"),
  ),
  held("heddle on Node", 9),
  held("heddle on Bun", 4),
  held("heddle on Deno.serve", 22),
  held("heddle on Deno, Node adapter", 13),
  accepted("heddle on Node", "ws loop on Node"),
  accepted("heddle on Bun", "Bun native publish"),
  accepted("heddle on Deno.serve", "Deno.serve loop"),
  grown("heddle on Node", "raw net on Node"),
  grown("heddle on Bun", "Bun native publish"),
];

/** Whether a value reaches a goal. */
export function isMet({ limit, isAtLeast }: Goal, value: number): boolean {
  return isAtLeast ? value >= limit : value <= limit;
}
