/**
 * How a request that is refused before the upgrade is judged.
 *
 * @module
 */
import { headerValues } from "../wire/handshake.ts";
import type { HttpAnswer } from "../wire/http.ts";
import { expect } from "./check.ts";
import type { ConnectSpec, Server } from "./server.ts";
import { isRecord } from "./shape.ts";

/** An answer in few words. */
export function showAnswer({ status, body }: HttpAnswer): string {
  return `${status} ${body.slice(0, 200)}`.trim();
}

/** The answer is a refusal by this status and, where one is given, of this name. */
export function expectRefusal(answer: HttpAnswer, status: number, error?: string): void {
  const name = isRecord(answer.json) ? answer.json["error"] : undefined;
  expect(
    answer.status === status && (error === undefined || name === error),
    `${status} ${error ?? ""}`.trim(),
    showAnswer(answer),
  );
}

/** A header field of an answer; null without it. */
export function field(answer: HttpAnswer, name: string): string | null {
  return headerValues(answer, name)[0] ?? null;
}

/** A request with this token is refused as `unauthorized`, or as what is said instead. */
export async function expectNoEntry(
  server: Server,
  spec: ConnectSpec,
  error = "unauthorized",
): Promise<HttpAnswer> {
  const answer = await server.request(spec);
  expectRefusal(answer, 401, error);
  return answer;
}
