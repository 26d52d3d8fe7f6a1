import { tokenIssuer } from "../../mod.ts";
import { SECRET } from "../servers/token.ts";
import { Session } from "../session.ts";
import type { Scenario } from "./scenario.ts";

/** Rounds of connections until runtimes have compiled what connections need; Bun is still at it after ten. */
const WARM_UP = 32;

/** What those are called that come after that. */
export const WARM = `after ${WARM_UP} rounds`;

/** Rounds that are measured after that. */
const MEASURED = 4;

/**
 * How fast connections are taken: the hub checks a token of each, which it has not seen, and greets it. All
 * servers get the same rounds: the first after their start is told by itself, since it costs several times
 * as much, and the last are told together.
 */
export const accept: Scenario = {
  name: "accept",
  title: "Connections taken; the hub checks a token of each",
  targets: [
    "ws loop on Node",
    "ws on Node, token checked",
    "heddle on Node",
    "Socket.IO on Node",
    "Bun native publish",
    "Bun.serve, token checked",
    "heddle on Bun",
    "Deno.serve loop",
    "Deno.serve, token checked",
    "heddle on Deno.serve",
    "heddle on Deno, Node adapter",
  ],
  async measure(name, { effort, connections }, note) {
    const count = Math.min(connections, Math.ceil(1_500 * effort));
    await Session.with(name, async (session) => {
      const rounds: Round[] = [];
      for (let round = 0; round < WARM_UP + MEASURED; round++) {
        rounds.push(await measureRound(session, await tokensFor(count)));
      }
      const tell = (cell: string, told: readonly Round[]) => {
        const sum = (of: keyof Round) => told.reduce((sum, round) => sum + round[of], 0);
        note(cell, "connections/s", sum("count") / sum("seconds"));
        note(cell, "CPU µs", sum("cpu") / sum("count") * 1e6);
      };
      tell(`the first ${count}`, rounds.slice(0, 1));
      tell(WARM, rounds.slice(WARM_UP));
    });
  },
};

/** What some connections took, in seconds. */
interface Round {
  readonly count: number;
  readonly seconds: number;
  readonly cpu: number;
}

async function measureRound(session: Session, queries: readonly string[]): Promise<Round> {
  const count = queries.length;
  const before = await session.cpu();
  const { seconds } = await session.open(count, { channel: null, queries });
  const cpu = await session.cpu() - before;
  await session.close();
  // What is left to do for those who went is not to be counted.
  await new Promise((resolve) => setTimeout(resolve, 200));
  return { count, seconds, cpu };
}

/** Queries with a token each. */
async function tokensFor(count: number): Promise<readonly string[]> {
  const issuer = tokenIssuer({ secret: SECRET });
  const issued = Array.from(
    { length: count },
    () => issuer.issue({ userId: "u1", role: "viewer" }),
  );
  return (await Promise.all(issued)).map((token) => `token=${token}`);
}
