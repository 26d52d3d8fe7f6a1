/**
 * HTML that escapes whatever is put into it.
 *
 * @module
 */
import { visible } from "./visible.ts";

/** HTML that is safe as it stands. */
export class Markup {
  readonly #text: string;

  /** For constants of our own alone; everything else goes through {@link markup}. */
  constructor(text: string) {
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }
}

/** What can stand in a template: text is escaped, null is nothing. */
export type Part = Markup | string | number | null | readonly Part[];

/**
 * A template of HTML. Text may stand in content and in quoted attributes.
 *
 * @example
 * ```ts
 * import { markup } from "./markup.ts";
 *
 * markup`<p title="${'"'}">${"<script>"}</p>`.toString(); // <p title="&quot;">&lt;script&gt;</p>
 * ```
 */
export function markup(constants: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return new Markup(
    constants.map((constant, i) => constant + write(parts[i] ?? null)).join(""),
  );
}

function write(part: Part): string {
  if (part === null) return "";
  if (part instanceof Markup) return part.toString();
  if (typeof part === "string") return escape(visible(part));
  if (typeof part === "number") return String(part);
  return part.map(write).join("");
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
