/**
 * A server judged in a process of its own, so that several are judged at a time.
 *
 * @module
 */
import { fork } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { NotStarted } from "./child.ts";
import { type Judged, type JudgeOptions, judgeServer } from "./judge.ts";
import { type MatrixServer, servers } from "./servers.ts";

/** What the process is told, and what it answers. */
interface Asked {
  readonly name: string;
  readonly options: JudgeOptions;
}
type Answered = { readonly judged: Judged } | { readonly notStarted: string };

const here = fileURLToPath(import.meta.url);

/** {@link judgeServer} in another process. @throws NotStarted */
export function judgeApart({ name }: MatrixServer, options: JudgeOptions): Promise<Judged> {
  const child = fork(here);
  const asked: Asked = { name, options };
  child.send(asked);
  return new Promise((resolve, reject) => {
    child.once("message", (answer: Answered) => {
      if ("judged" in answer) resolve(answer.judged);
      else reject(new NotStarted(answer.notStarted));
    });
    child.once("exit", (code) => reject(new Error(`judging ${name} ended with ${code}`)));
  });
}

async function answer({ name, options }: Asked): Promise<Answered> {
  const server = servers.find((one) => one.name === name);
  if (server === undefined) throw new Error(`there is no ${name}`);
  try {
    return { judged: await judgeServer(server, options) };
  } catch (error) {
    if (!(error instanceof NotStarted)) throw error;
    return { notStarted: error.message };
  }
}

if (process.argv[1] === here) {
  // So that a server which runs just then is ended too.
  process.once("disconnect", () => process.exit(2));
  process.once("message", async (asked: Asked) => {
    process.send?.(await answer(asked), () => process.exit(0));
  });
}
