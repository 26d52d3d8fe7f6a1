/**
 * Credentials for a target, of whatever the profile says they come from.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { execFile } from "node:child_process";
import { createHmac } from "node:crypto";
import type { TokenOffer } from "./offer.ts";

/** What a token says. */
export type Claims = Readonly<Record<string, unknown>>;

/** Makes tokens. */
export interface TokenSource {
  /** Whether tokens of any claims can be had, and not just one for each role. */
  readonly isFree: boolean;
  /** A token that says this, or null where there is none such to be had. */
  issue(claims: Claims): Promise<string | null>;
}

/** How long a token of the kit's holds, in seconds. */
const LIFE = 3600;

/** Tokens as the profile gives them; none at all where it gives none. */
export function tokenSource(offer: TokenOffer | undefined): TokenSource {
  if (offer === undefined) return { isFree: false, issue: () => Promise.resolve(null) };
  if ("secret" in offer) {
    return {
      isFree: true,
      issue: (claims) => Promise.resolve(signed(withExpiry(claims), offer.secret)),
    };
  }
  if ("command" in offer) {
    return { isFree: true, issue: (claims) => printed(offer.command, withExpiry(claims)) };
  }
  return {
    isFree: false,
    issue: ({ role }) => {
      const known = typeof role === "string" && Object.hasOwn(offer.roles, role);
      return Promise.resolve(known ? offer.roles[role] ?? null : null);
    },
  };
}

/** A JWT by HS256 (RFC 7515, RFC 7519). */
export function signed(claims: Claims, secret: string, algorithm = "HS256"): string {
  const part = (value: unknown) => base64url(JSON.stringify(value));
  const content = `${part({ alg: algorithm, typ: "JWT" })}.${part(claims)}`;
  return `${content}.${createHmac("sha256", secret).update(content).digest("base64url")}`;
}

/** A text in base64url without padding (RFC 4648 section 5). */
export function base64url(text: string): string {
  return Buffer.from(text).toString("base64url");
}

/** The same token with other claims or another header, its signature left as it was. */
export function forged(
  token: string,
  change: { readonly header?: Claims; readonly claims?: Claims; readonly signature?: string },
): string {
  const [header = "", claims = "", signature = ""] = token.split(".");
  const read = (part: string) => JSON.parse(Buffer.from(part, "base64url").toString()) as Claims;
  const part = (before: string, values: Claims | undefined) =>
    values === undefined ? before : base64url(JSON.stringify({ ...read(before), ...values }));
  return [part(header, change.header), part(claims, change.claims), change.signature ?? signature]
    .join(".");
}

function withExpiry(claims: Claims): Claims {
  const now = Math.floor(Date.now() / 1000);
  return { iat: now, exp: now + LIFE, ...claims };
}

function printed(command: string, claims: Claims): Promise<string> {
  const quoted = JSON.stringify(claims).replaceAll("'", `'\\''`);
  return new Promise((resolve, reject) => {
    execFile("/bin/sh", ["-c", `${command} '${quoted}'`], (error, stdout, stderr) => {
      const token = stdout.trim();
      if (error === null && token !== "") return resolve(token);
      reject(new Error(`the profile's command printed no token: ${stderr.trim().slice(0, 200)}`));
    });
  });
}
