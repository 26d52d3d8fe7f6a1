/**
 * How far a run is, told while it runs.
 *
 * @module
 */
import type { Progress } from "./runner/options.ts";

/** What progress is told to: `process.stderr`, or what is like it. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Tells progress until it is ended. */
export interface ProgressLine {
  readonly tell: (progress: Progress) => void;
  /** Leaves nothing behind. */
  readonly end: () => void;
}

/** One line that is written over, on a terminal only: what is piped gets nothing. */
export function createProgress(stream: ProgressStream): ProgressLine {
  const { isTTY = false, columns = 80 } = stream;
  // A line that wraps could not be taken back.
  const line = (text: string) => {
    if (isTTY) stream.write(`\r\x1b[2K${[...text].slice(0, columns - 1).join("")}`);
  };
  let failed = 0;
  return {
    tell(progress) {
      if (progress.kind === "started") {
        const { facts, total } = progress;
        const echo = facts?.echoes ? "echoes" : "does not echo";
        const deflate = facts?.deflate ? "permessage-deflate" : "no permessage-deflate";
        line(facts === null ? "handshake refused" : `${total} cases; ${echo}, ${deflate}`);
        return;
      }
      if (progress.kind === "measuring") {
        line(`measuring, ${progress.done + 1}/${progress.total}  ${progress.id}`);
        return;
      }
      const { report, done, total } = progress;
      if (report.verdict === "fail") failed++;
      line(
        `${String(done).padStart(String(total).length)}/${total}, ${failed} failed  ${report.id}`,
      );
    },
    end: () => line(""),
  };
}
