/**
 * As much of a request as it is judged by before anything is upgraded.
 *
 * @module
 */

import { isThenable, type MaybePromise } from "../base/maybe_promise.ts";
import type { Authenticate, Identity } from "./identity.ts";

/** The head of a request: that of a standard `Request`, or one that an adapter has without making any. */
export interface RequestHead {
  readonly method: string;
  /** The whole address, as a URL parser writes it. */
  readonly url: string;
  readonly headers: Pick<Headers, "get" | "has">;
  /** Makes the `Request` that it is the head of, for whoever may look at all of it. @default it is one */
  readonly whole?: () => Request;
}

/** Authenticators that look at no more of a request than its head. */
const headReaders = new WeakSet<Authenticate>();

/** Makes an authenticator that needs no `Request`. */
export function byHead(read: (head: RequestHead) => MaybePromise<Identity>): Authenticate {
  headReaders.add(read);
  return read;
}

/** Asks an authenticator who makes a request: one of the application's own may look at all of it. */
export function ask(authenticate: Authenticate, head: RequestHead): MaybePromise<Identity> {
  const found: unknown = authenticate(
    headReaders.has(authenticate) ? head as Request : wholeOf(head),
  );
  return (isThenable(found) ? Promise.resolve(found) : found) as MaybePromise<Identity>;
}

/** The `Request` that a head is of. */
export function wholeOf(head: RequestHead): Request {
  return head.whole === undefined ? head as Request : head.whole();
}
