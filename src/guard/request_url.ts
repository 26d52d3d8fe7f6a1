/**
 * The address of a request, of which most is never looked at: to take all of it apart costs more than what
 * is there to find.
 *
 * @module
 */

import type { RequestHead } from "./request_head.ts";

const none: readonly string[] = [];

/** What stands for another character in a query. */
const ESCAPE = /[%+]/;

/** The query of an address, without the question mark. */
export function queryIn(url: string): string {
  const start = url.indexOf("?");
  const end = url.indexOf("#");
  if (start === -1 || end !== -1 && end < start) return "";
  return url.slice(start + 1, end === -1 ? undefined : end);
}

/** The values that a request's query has for a parameter, decoded and in their order, but for empty ones. */
export function parametersOf({ url }: RequestHead, name: string): readonly string[] {
  const query = queryIn(url);
  const isPlain = !query.includes("%") && !query.includes("+");
  if (isPlain && !query.includes(name)) return none;
  const values = isPlain ? plainValues(query, name) : new URLSearchParams(query).getAll(name);
  return values.filter((value) => value !== "");
}

/** Whether the path of a request's address is this one. */
export function isAt(request: RequestHead, path: string): boolean {
  const { url } = request;
  const start = url.indexOf("/", url.indexOf("//") + 2);
  const end = start + path.length;
  const isOver = end === url.length || url[end] === "?";
  // A path may be written in several ways.
  return isOver && url.startsWith(path, start) || new URL(url).pathname === path;
}

/** The name in a part of a query, decoded. */
export function nameIn(part: string): string {
  const [name] = part.split("=", 1);
  if (!ESCAPE.test(name!)) return name!;
  const [decoded] = new URLSearchParams(name).keys();
  return decoded ?? "";
}

function plainValues(query: string, name: string): readonly string[] {
  const start = `${name}=`;
  return query.split("&").filter((part) => part.startsWith(start))
    .map((part) => part.slice(start.length));
}
