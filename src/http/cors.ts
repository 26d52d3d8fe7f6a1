import type { Context, MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import type { OriginPolicy } from "../guard/origin.ts";

/** How long a browser may keep what a preflight told it, in seconds. */
const MAX_AGE = 600;

/**
 * Lets pages of the origins that may connect read the answers of the HTTP routes too. Cookies are taken
 * along only where origins are named one by one.
 */
export function crossOrigin(origins: OriginPolicy): MiddlewareHandler {
  const named = cors({
    origin: (origin) => origin,
    allowMethods: ["GET", "HEAD", "POST"],
    allowHeaders: ["Authorization", "Content-Type"],
    exposeHeaders: ["Retry-After", "WWW-Authenticate"],
    maxAge: MAX_AGE,
    credentials: !origins.letsAnyIn,
  });
  return (c, next) => {
    const origin = c.req.header("origin");
    return origin !== undefined && origins.names(origin) ? named(c, next) : unnamed(c, next);
  };
}

/** A cache must not give others the answer to a page that may read it, nor the other way round. */
async function unnamed(c: Context, next: () => Promise<void>): Promise<void> {
  await next();
  c.header("Vary", "Origin", { append: true });
}
