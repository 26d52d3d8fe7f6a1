import { HeddleError } from "../base/errors.ts";
import type { Schema } from "../base/schema.ts";
import type { Retention } from "../broker/broker.ts";
import { describeIssue } from "../protocol/issue.ts";
import {
  CHANNEL_NAME_RULE,
  isChannelName,
  isChannelPattern,
  PatternTable,
} from "../protocol/names.ts";
import { type ChannelDefinition, type ChannelDefinitions, defaultRetention } from "./definition.ts";

/** Data that fits, or why it does not. */
export type Checked = { readonly data: unknown; readonly misfit?: undefined } | {
  readonly misfit: string;
};

/** Finds the definition that holds for a channel name. */
export class ChannelRegistry {
  /** Every definition, by the name or pattern it was declared under. */
  readonly definitions: ReadonlyMap<string, ChannelDefinition>;
  readonly #table: PatternTable<ChannelDefinition>;
  readonly #events = new Map<ChannelDefinition, PatternTable<Schema>>();

  /**
   * @throws {HeddleError} `option_invalid` for a name that is neither a channel's nor a pattern, or what
   * `channel` did not make.
   */
  constructor(definitions: ChannelDefinitions) {
    for (const [name, definition] of Object.entries(definitions)) {
      // Without permissions nobody could be told whether they may; options alone have none.
      if (typeof definition?.permissions !== "object" || typeof definition.echo !== "boolean") {
        throw new HeddleError("option_invalid", `channels: "${name}" must be made by channel({…})`);
      }
      if (!isChannelName(name) && !isChannelPattern(name)) {
        throw new HeddleError(
          "option_invalid",
          `"${name}" is no channel name: one has ${CHANNEL_NAME_RULE}, and a pattern a * at its end`,
        );
      }
      if (definition.events !== undefined) {
        this.#events.set(definition, new PatternTable(Object.entries(definition.events)));
      }
    }
    this.definitions = new Map(Object.entries(definitions));
    this.#table = new PatternTable(this.definitions);
  }

  /** The definition for `name`: exact before pattern, a longer prefix before a shorter. */
  find(name: string): ChannelDefinition | undefined {
    return this.#table.get(name);
  }

  /** How much of the past of `name` is kept, one of the hub's own channels too. */
  retention(name: string): Retention {
    return this.find(name)?.retention ?? defaultRetention;
  }

  /**
   * Holds `data` against the channel's schemas; what the schema makes of it is what is published.
   *
   * @returns The data, or in words what does not fit.
   */
  check(definition: ChannelDefinition, eventType: string, data: unknown): Checked {
    if (definition.presence !== undefined && eventType.startsWith("presence.")) {
      return { misfit: 'events that start with "presence." are the hub\'s own in this channel' };
    }
    const events = this.#events.get(definition);
    if (events === undefined) return { data };
    const schema = events.get(eventType);
    if (schema === undefined) {
      const known = Object.keys(definition.events ?? {}).join(", ");
      return { misfit: `no event "${eventType}" in this channel; there are: ${known || "none"}` };
    }
    const result = schema.safeParse(data);
    return result.success ? { data: result.data } : { misfit: describeIssue(result.error) };
  }
}
