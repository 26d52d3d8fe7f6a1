import { byteLength } from "../base/byte_length.ts";
import { HeddleError } from "../base/errors.ts";
import { checkNames, checkStrings, checkType } from "../base/option_checks.ts";
import { type MaybePromise, whenReady } from "../base/maybe_promise.ts";
import type { Writable } from "../base/writable.ts";
import type { Placed, PublishTerms } from "../broker/broker.ts";
import type { ChannelDefinition } from "../channel/definition.ts";
import { permits } from "../guard/permissions.ts";
import { type Failure, failure } from "../protocol/errors.ts";
import { MAX_MEDIA_METADATA, Media, type NewEvent } from "../protocol/event.ts";
import { MAX_TYPE_NAME } from "../protocol/messages.ts";
import {
  clientChannel,
  isChannelName,
  isUserId,
  USER_ID_RULE,
  userChannel,
} from "../protocol/names.ts";
import type { Outcome, PublishRequest } from "../session/effect.ts";
import type { Connection } from "./connection.ts";
import { oversize } from "./event_size.ts";
import type { Published, Publisher, PublishOptions } from "./publication.ts";
import type { Workings } from "./workings.ts";

/** The way of an event to the broker, from the application and from clients alike. */
export class Publishing {
  readonly #workings: Workings;

  constructor(workings: Workings) {
    this.#workings = workings;
  }

  /** A publisher to a channel that is declared. */
  toChannel(name: string): Publisher<Record<string, unknown>> {
    return {
      publish: async (eventType, data, options) => {
        if (options !== undefined) checkPublishOptions(options);
        const definition = isChannelName(name) ? this.#workings.registry.find(name) : undefined;
        if (definition === undefined) {
          throw new HeddleError("unknown_channel", `no channel "${name}" is declared`);
        }
        const event = this.#event(definition, eventType, data, options);
        if ("code" in event) throw new HeddleError("payload_invalid", event.message);
        return await this.#publish(name, event);
      },
    };
  }

  /** A publisher to the own channel of a user; a name that can be nobody's shows with the first event. */
  toUser(userId: string): Publisher<Record<string, unknown>> {
    const isOne = typeof userId === "string" && isUserId(userId);
    return isOne ? this.toOwn(userChannel(userId)) : nobody(
      `a user id must be a string of ${USER_ID_RULE}`,
    );
  }

  /** The same of a connection. */
  toClient(clientId: string): Publisher<Record<string, unknown>> {
    const isOne = typeof clientId === "string" && clientId !== "";
    return isOne
      ? this.toOwn(clientChannel(clientId))
      : nobody("a client id must be a non-empty string");
  }

  /** A publisher to one of the hub's own channels. */
  toOwn(name: `@${string}`): Publisher<Record<string, unknown>> {
    return {
      publish: async (eventType, data, options) => {
        if (options !== undefined) checkPublishOptions(options);
        const event = this.#event(undefined, eventType, data, options);
        if ("code" in event) throw new HeddleError("payload_invalid", event.message);
        return await this.#publish(name, event);
      },
    };
  }

  /** Publishes for a client, as far as it may. */
  fromClient(connection: Connection, request: PublishRequest): MaybePromise<Outcome> {
    const { channel } = request;
    const definition = this.#workings.registry.find(channel);
    if (definition === undefined) {
      return failed("unknown_channel", `no channel "${channel}" is declared`);
    }
    const { role } = connection.identity;
    if (!permits(definition.permissions, role, "broadcast")) {
      return failed("forbidden", `the role "${role}" may not publish to "${channel}"`);
    }
    const echo = request.echo ?? definition.echo;
    const options = echo ? undefined : { exclude: { clients: [connection.clientId] } };
    const event = this.#event(definition, request.event_type, request.data, options);
    if ("code" in event) return { kind: "failed", failure: event };
    const idempotence = request.id === undefined
      ? undefined
      : { identity: identityOf(connection), id: request.id };
    return whenReady(
      this.#publish(channel, event, idempotence),
      ({ epoch, offset, duplicate }): Outcome => ({
        kind: "published",
        position: { epoch, offset },
        duplicate,
      }),
      (reason): Outcome => {
        this.#workings.options.logger.error("an event could not be published", { channel, reason });
        return failed("broker_unavailable", "the event could not be published; try again");
      },
    );
  }

  /** Makes the event, or says why its data cannot be published. */
  #event(
    definition: ChannelDefinition | undefined,
    eventType: string,
    data: unknown,
    options: PublishOptions = {},
  ): NewEvent | Failure {
    const { exclude, ack = definition?.ack ?? false } = options;
    if (typeof eventType !== "string" || eventType === "" || eventType.length > MAX_TYPE_NAME) {
      return failure(
        "payload_invalid",
        `an event type must be a string of 1 to ${MAX_TYPE_NAME} characters`,
      );
    }
    const checked = definition === undefined
      ? { data }
      : this.#workings.registry.check(definition, eventType, data);
    if (checked.misfit !== undefined) return failure("payload_invalid", checked.misfit);
    const media = checked.data instanceof Media ? checked.data : undefined;
    const json = toJson(media === undefined ? checked.data : media.metadata);
    if (json === undefined) return failure("payload_invalid", "JSON cannot hold the data");
    // The fan-out must not find out that an envelope cannot hold them.
    if (media !== undefined && byteLength(json) > MAX_MEDIA_METADATA) {
      const message = `the metadata of media may have at most ${MAX_MEDIA_METADATA} bytes as JSON`;
      return failure("payload_invalid", message);
    }
    const fault = oversize(json, media, this.#workings.options.limits.outbox);
    if (fault !== undefined) return failure("payload_invalid", fault);
    const event: Writable<NewEvent> = {
      eventType,
      data: media ?? json,
      timestamp: this.#workings.timestamp(),
    };
    if (exclude !== undefined) event.exclude = exclude;
    if (ack) event.ack = ack;
    return event;
  }

  #publish(
    channel: string,
    event: NewEvent,
    idempotence?: PublishTerms["idempotence"],
  ): MaybePromise<Published & Placed> {
    const { options, stats, registry } = this.#workings;
    const retention = registry.retention(channel);
    const terms = idempotence === undefined ? { retention } : { retention, idempotence };
    return whenReady(
      options.broker.publish(channel, event, terms),
      ({ epoch, offset, duplicate }) => {
        if (!duplicate) stats.eventsPublished++;
        return { channel, epoch, offset, duplicate };
      },
    );
  }
}

/** A misspelt exclusion would show an event to those who must not see it. */
function checkPublishOptions(options: PublishOptions): void {
  checkNames("publish", options, ["exclude", "ack"]);
  checkType("publish.ack", options.ack, "boolean");
  const { exclude } = options;
  if (exclude === undefined) return;
  checkNames("publish.exclude", exclude, ["clients", "users"]);
  checkStrings("publish.exclude.clients", exclude.clients);
  checkStrings("publish.exclude.users", exclude.users);
}

/** Told like every other mistake in a publication: by its promise. */
function nobody(message: string): Publisher<Record<string, unknown>> {
  return { publish: () => Promise.reject(new HeddleError("option_invalid", message)) };
}

/** An anonymous client is known by its session alone. */
function identityOf({ userId, clientId }: Connection): string {
  return userId === null ? clientChannel(clientId) : userChannel(userId);
}

function failed(code: Failure["code"], message: string): Outcome {
  return { kind: "failed", failure: failure(code, message) };
}

/** Undefined for what JSON cannot hold: functions, undefined itself, cycles, BigInts. */
function toJson(data: unknown): string | undefined {
  try {
    return JSON.stringify(data);
  } catch {
    return undefined;
  }
}
