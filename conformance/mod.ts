/**
 * Heddle's conformance kit as a library: hold any WebSocket server to RFC 6455 and RFC 7692, and
 * one that claims Protocol 1 to PROTOCOL.md.
 *
 * @module
 */
export type { Case, Level, Need, Requirement } from "./case.ts";
export { cases } from "./cases.ts";
export type {
  CaseReport,
  Measure,
  PerformanceReport,
  Report,
  Summary,
  Timing,
  Verdict,
} from "./report/report.ts";
export type { ConformanceOptions, Progress } from "./runner/options.ts";
export { CannotRun, type EchoOption } from "./runner/probe.ts";
export { runConformance } from "./runner/run.ts";
export { BadProfile, type ChannelOffer, type Offer, parseOffer } from "./target/offer.ts";
