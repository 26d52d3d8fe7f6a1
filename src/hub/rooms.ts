/**
 * Rooms: channels that a connection joins by the path it connects to.
 *
 * @module
 */
import { HeddleError } from "../base/errors.ts";
import type { ChannelRegistry } from "../channel/registry.ts";
import type { Identity } from "../guard/identity.ts";
import { Refusal } from "../guard/refusal.ts";
import type { RequestHead } from "../guard/request_head.ts";
import { parametersOf } from "../guard/request_url.ts";
import { CHANNEL_ALPHABET, isChannelName, MAX_CHANNEL_NAME } from "../protocol/names.ts";
import { roleRefusal } from "./access.ts";

/** The longest name that a connection may give for itself in the request, in characters. */
const MAX_DISPLAY_NAME = 128;

/** What a room cannot be called: the server's own resources have these paths. */
const reserved: ReadonlySet<string> = new Set(["config", "stats"]);

/** Whether a room cannot be called so, since the path is another resource's. */
export function isReservedRoom(room: string): boolean {
  return reserved.has(room);
}

/** A room that a request asks to join. */
export interface RoomRequest {
  /** Its channel. */
  readonly channel: string;
  /** What the others there are told of the connection: a JSON object as text. */
  readonly metadata?: string;
}

/** Which channel a room is, and who may connect to it. */
export class Rooms {
  readonly #registry: ChannelRegistry;
  readonly #prefix: string | undefined;

  /**
   * @param prefix What stands before a room's id in its channel's name; without it there are no rooms.
   * @throws {HeddleError} `option_invalid` for a prefix that no declared pattern covers.
   */
  constructor(registry: ChannelRegistry, prefix: string | undefined) {
    this.#registry = registry;
    this.#prefix = prefix;
    if (prefix === undefined || registry.find(`${prefix}id`) !== undefined) return;
    throw new HeddleError(
      "option_invalid",
      `rooms is "${prefix}", but no channel "${prefix}*" is declared`,
    );
  }

  /** Whether there are any. */
  get areOffered(): boolean {
    return this.#prefix !== undefined;
  }

  /**
   * Reads which room a request is for.
   *
   * @param id The last segment of the path.
   * @throws {Refusal} 404 where there are no rooms, 400 for an id or `display_name` that cannot be.
   */
  read(id: string, request: RequestHead): RoomRequest {
    if (this.#prefix === undefined) {
      throw new Refusal(404, "not_found", "there is no WebSocket here");
    }
    const channel = this.#prefix + id;
    if (isReservedRoom(id)) {
      throw new Refusal(400, "invalid_room", `"${id}" is reserved: no room can be called so`);
    }
    if (!isChannelName(channel)) {
      throw new Refusal(
        400,
        "invalid_room",
        `a room id has 1 to ${MAX_CHANNEL_NAME - this.#prefix.length} characters of ` +
          CHANNEL_ALPHABET,
      );
    }
    const [name] = parametersOf(request, "display_name");
    if (name === undefined) return { channel };
    if (name.length > MAX_DISPLAY_NAME) {
      throw new Refusal(
        400,
        "invalid_display_name",
        `display_name may have at most ${MAX_DISPLAY_NAME} characters`,
      );
    }
    return { channel, metadata: JSON.stringify({ display_name: name }) };
  }

  /** @throws {Refusal} 404 for a room of nobody's, 403 where a role may not join it. */
  check({ channel }: RoomRequest, { role }: Identity): void {
    const refusal = roleRefusal(this.#registry, channel, role);
    if (refusal === undefined) return;
    const { code, message } = refusal;
    throw new Refusal(code === "unknown_channel" ? 404 : 403, code, message);
  }
}
