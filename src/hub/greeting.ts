import { offeredAlgorithms, Written } from "../protocol/encode.ts";
import { type ServerMessageOf, SUBPROTOCOL } from "../protocol/messages.ts";
import { bucketTable, rateLimits } from "./rate_options.ts";
import type { Workings } from "./workings.ts";

type Connected = ServerMessageOf<"connected">;
type Shared = "heartbeat_interval" | "protocol" | "features" | "limits" | "rates";

/** What `connected` tells of one connection, its positions left out. */
export type Greeted = Omit<Connected, Shared | "positions">;

/** Writes `connected`. Most of it is the same for all connections of a hub, and so written once. */
export class Greeting {
  readonly #shared: string;

  constructor({ options, dictionary }: Workings) {
    const { text, subscribe, binary, subscriptions } = options.limits;
    const shared: Pick<Connected, Shared> = {
      heartbeat_interval: options.heartbeat.interval / 1000,
      protocol: SUBPROTOCOL,
      features: {
        binary: {},
        compression: {
          algorithms: offeredAlgorithms,
          ...(dictionary === undefined ? {} : { dictionary: { id: dictionary.id } }),
        },
        batch: { max_ms: 1_000, max_bytes: 1_048_576 },
      },
      limits: {
        text_bytes: text,
        subscribe_bytes: subscribe,
        binary_bytes: binary,
        subscriptions,
        connections_per_user: options.limits.connectionsPerUser,
        in_flight: options.limits.inFlight,
        in_flight_bytes: options.limits.inFlightBytes,
        ...rateLimits(options.rates),
      },
      ...(options.rates === undefined ? {} : { rates: bucketTable(options.rates) }),
    };
    this.#shared = JSON.stringify(shared).slice(1);
  }

  /** @param positions By channel: pairs, since an object with names of its own is dear. */
  write(
    greeted: Greeted,
    positions: Iterable<readonly [channel: string, position: Connected["positions"][string]]>,
  ): Written<"connected"> {
    const own = JSON.stringify(greeted);
    let places = "";
    for (const [channel, { epoch, offset }] of positions) {
      const comma = places === "" ? "" : ",";
      places += `${comma}${JSON.stringify(channel)}:{"epoch":"${epoch}","offset":${offset}}`;
    }
    return new Written("connected", `${own.slice(0, -1)},"positions":{${places}},${this.#shared}`);
  }
}
