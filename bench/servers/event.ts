/**
 * The events, the same ones for all servers: the peers write them as the hub does, in as many bytes, so
 * that what is compared is the way from there to the sockets.
 *
 * @module
 */
import { z } from "zod";
import type { Kind } from "./answer.ts";

const SERVICES = ["search", "orders", "users", "mail"] as const;

/** What the channel `m` of the hub carries. */
export const metricsSchema = z.object({
  cpu_percent: z.number(),
  memory_mb: z.number(),
  events_per_sec: z.number(),
  hostname: z.string(),
  region: z.enum(["eu-west", "us-east"]),
  services: z.array(z.object({
    service: z.enum(SERVICES),
    requests: z.number(),
    latency_ms: z.number(),
    healthy: z.boolean(),
  })),
});

let offset = 0;
let seed = 1;

/** An event as the hub writes it. */
export function eventText(data: unknown, kind: Kind = "plain"): string {
  return JSON.stringify({
    type: "event",
    channel: kind === "plain" ? "b" : "m",
    timestamp: new Date().toISOString(),
    event_type: kind === "plain" ? "t" : "system_metrics",
    data,
    offset: ++offset,
  });
}

/** So many events of so many bytes. */
export function eventTexts(count: number, size: number, kind: Kind): string[] {
  const make = kind === "plain" ? dataOf : metricsOf;
  return Array.from({ length: count }, () => eventText(make(size), kind));
}

const AROUND = '{"type":"event","channel":"b","timestamp":"2026-01-01T00:00:00.000Z",' +
  '"event_type":"t","data":"","offset":1000}';

/** Data with which an event has `size` bytes, or a few more or less with the digits of its offset. */
export function dataOf(size: number): string {
  return "x".repeat(Math.max(0, size - AROUND.length));
}

/** Data that differ from event to event as an application's do; an event has about `size` bytes. */
export function metricsOf(size: number): z.infer<typeof metricsSchema> {
  const services = Math.max(1, Math.ceil((size - 235) / 69));
  return {
    cpu_percent: digits(1000) / 10,
    memory_mb: digits(10_000),
    events_per_sec: digits(100_000) / 10,
    hostname: `web-${digits(100)}`,
    region: "eu-west",
    services: Array.from({ length: services }, () => ({
      service: SERVICES[digits(4)]!,
      requests: digits(10_000),
      latency_ms: digits(1000) / 10,
      healthy: digits(10) > 0,
    })),
  };
}

/** The same digits in every run (Park and Miller's generator). */
function digits(below: number): number {
  seed = seed * 48_271 % 2_147_483_647;
  return seed % below;
}
