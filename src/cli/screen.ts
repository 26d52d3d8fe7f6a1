import process from "node:process";
import { clearLine, cursorTo, type Interface } from "node:readline";
import { type Colors, colorsFor, printableLine } from "./terminal.ts";

/** Where `heddle connect` writes: what came in on standard output, remarks on standard error. */
export class Screen {
  /** The colours of standard output. */
  readonly colors: Colors = colorsFor(process.stdout);
  readonly #noteColors = colorsFor(process.stderr);
  #prompt: Interface | undefined;

  /** @param gone Called when nobody reads standard output any more, as after `| head -1`. */
  constructor(gone: () => void) {
    process.stdout.on("error", gone);
  }

  /** Keeps what is written and what is being typed apart, where both go to the same terminal. */
  set prompt(prompt: Interface | undefined) {
    this.#prompt = process.stdout.isTTY ? prompt : undefined;
    this.#prompt?.prompt();
  }

  /** Writes what came in. */
  show(text: string): void {
    this.#write(process.stdout, text);
  }

  /** Writes a remark. */
  note(text: string): void {
    this.#write(process.stderr, this.#noteColors.dim(printableLine(text)));
  }

  #write(stream: NodeJS.WriteStream, text: string): void {
    if (this.#prompt !== undefined) {
      cursorTo(process.stdout, 0);
      clearLine(process.stdout, 0);
    }
    stream.write(`${text}\n`);
    this.#prompt?.prompt(true);
  }
}
