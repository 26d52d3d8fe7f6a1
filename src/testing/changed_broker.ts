import type { Broker } from "../broker/broker.ts";

/** A broker that does some things otherwise than another, and the rest as that does. */
export function changedBroker(broker: Broker, changes: Partial<Broker>): Broker {
  return {
    get kept() {
      return broker.kept;
    },
    sessions: broker.sessions,
    presence: broker.presence,
    publish: (...terms) => broker.publish(...terms),
    announce: (...terms) => broker.announce(...terms),
    subscribe: (...terms) => broker.subscribe(...terms),
    history: (...terms) => broker.history(...terms),
    close: () => broker.close(),
    ...changes,
  };
}
