/**
 * How every route answers what it cannot do: JSON `{"error", "message"}`.
 *
 * @module
 */
import type { Context, ErrorHandler, Handler, Hono } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { HeddleError } from "../base/errors.ts";
import { goingDown, Refusal } from "../guard/refusal.ts";
import type { Logger } from "../hub/logger.ts";

/** Adds a route that answers one method, and any other with 405. HEAD is answered where GET is. */
export function addRoute(app: Hono, method: "GET" | "POST", path: string, handler: Handler): void {
  const allowed = method === "GET" ? "GET, HEAD" : method;
  app.on(method, path, handler);
  app.all(path, (c) => answer(c, methodNotAllowed(allowed)));
}

/** Says which methods a resource has (RFC 9110 section 15.5.6). */
export function methodNotAllowed(allowed: string): Refusal {
  return new Refusal(405, "method_not_allowed", `allowed here: ${allowed}`, { Allow: allowed });
}

/** Answers with a refusal. */
export function answer(c: Context, refusal: Refusal): Response {
  const { status, error, message, headers } = refusal;
  return c.json({ error, message }, status as ContentfulStatusCode, headers);
}

/** Answers with what a handler threw; what nobody foresaw is logged, and not shown. */
export function errorHandler(logger: Logger): ErrorHandler {
  return (error, c) => {
    const refusal = refusalOf(error);
    if (refusal !== undefined) return answer(c, refusal);
    logger.error("a request failed", { path: c.req.path, error });
    return answer(c, new Refusal(500, "internal", "the server failed"));
  };
}

function refusalOf(error: Error): Refusal | undefined {
  if (error instanceof Refusal) return error;
  if (!(error instanceof HeddleError)) return undefined;
  switch (error.code) {
    case "payload_invalid":
      return new Refusal(400, error.code, error.message);
    case "unknown_channel":
      return new Refusal(404, error.code, error.message);
    case "broker_unavailable":
      return new Refusal(503, error.code, "the event could not be published; try again", {
        "Retry-After": "5",
      });
    case "closed":
      return goingDown();
    default:
      return undefined;
  }
}
