import { HeddleError } from "../base/errors.ts";
import type { TokenSource } from "./options.ts";

/** Where a client's tokens come from. */
export class Credentials {
  #source: TokenSource | undefined;

  constructor(source: TokenSource | undefined) {
    this.#source = source;
  }

  /** Whether it may give another token the next time. */
  get isRenewable(): boolean {
    return typeof this.#source === "function";
  }

  /** @throws {HeddleError} `unauthorized` where the application's function failed. */
  async find(): Promise<string | undefined> {
    if (typeof this.#source !== "function") return this.#source;
    try {
      return await this.#source();
    } catch (cause) {
      throw new HeddleError("unauthorized", "the token function failed", { cause });
    }
  }

  /** Whether it gives the same token always. */
  get isFixed(): boolean {
    return typeof this.#source === "string";
  }

  /** The server took a token: it is the one to come back with, where no function gives them. */
  taken(token: string): void {
    if (!this.isRenewable) this.#source = token;
  }
}
