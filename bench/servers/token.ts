import process from "node:process";
import { jwtVerify } from "jose";

/** What the tokens of the benchmark are signed with: no secret of anybody's. */
export const SECRET = "a secret of the benchmark, thirty-two bytes and more";

const key = new TextEncoder().encode(SECRET);

/** Whether the peer was told, by the argument `token`, to check the tokens of those who connect. */
export const checksTokens = process.argv.includes("token");

/** Whether the token in the query is good, as a server without a hub would check it. */
export async function isGood(url: string): Promise<boolean> {
  const token = new URL(url, "http://localhost").searchParams.get("token") ?? "";
  return await jwtVerify(token, key, { algorithms: ["HS256"] }).then(() => true, () => false);
}
