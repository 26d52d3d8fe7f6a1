/**
 * What makes a rule for senders one for receivers.
 *
 * @module
 */

/**
 * Where a sentence binds only who sends, this is what a server that receives owes: it must not take
 * the data for good. That it closes the connection is presumed by the section but not demanded: so
 * these cases fail with `mayGoOn` only where something is made of the data, and warn where the
 * connection goes on.
 */
export const VALIDATED =
  "… (10.7) Incoming data MUST always be validated by both clients and servers.";
