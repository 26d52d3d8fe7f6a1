/**
 * Rules for whatever a server sends, watched in every case.
 *
 * @module
 */
import { type Case, must, type Requirement } from "../case.ts";
import { binaryMessage, textMessage } from "../peer/sender.ts";
import type { WatchRule } from "../peer/watch.ts";
import { close, ping } from "../wire/frame.ts";

function watch(name: string, watches: WatchRule, title: string, requirement: Requirement): Case {
  return {
    id: `rfc6455/${requirement.section}/server-${name}`,
    title,
    requirement,
    watches,
    async run(peer) {
      const connection = await peer.connect();
      await connection.exchange(textMessage("Hello"));
      await connection.exchange(binaryMessage(new Uint8Array(126)));
      await connection.exchange(binaryMessage(new Uint8Array(65536)));
      connection.send(ping("Hello"), close(1000));
      await connection.expectClosed([1000, null]);
    },
  };
}

/** The cases that watch. */
export const cases: readonly Case[] = [
  watch(
    "never-masks",
    "masked",
    "no frame of the server is masked",
    must("RFC 6455", "5.1", "A server MUST NOT mask any frames that it sends to the client."),
  ),
  watch(
    "minimal-length",
    "long-length",
    "every frame of the server has its length in as few bytes as hold it",
    must(
      "RFC 6455",
      "5.2",
      "Note that in all cases, the minimal number of bytes MUST be used to encode the length.",
    ),
  ),
];
