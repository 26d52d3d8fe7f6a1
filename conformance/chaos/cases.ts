/**
 * The cases of the model, with a network between kit and server that misbehaves: what a client may
 * conclude then is what the protocol promises, no more and no less. Its positions decide.
 *
 * @module
 */
import type { Case } from "../case.ts";
import { check } from "../channels/check.ts";
import type { Server } from "../channels/server.ts";
import { play, type Scene, USUAL } from "../model/cases.ts";
import type { Step } from "../model/step.ts";
import { World, type WorldSpec } from "../model/world.ts";
import { Skipped } from "../peer/finding.ts";
import { BadNetwork } from "./network.ts";

/** The same with troubles, and without what waits for both sides to close. */
const TROUBLED: Scene["weights"] = { ...USUAL, go: 0, leave: 0, cut: 1, resume: 5, trouble: 5 };

const SCENES: readonly (Scene & { readonly breaks: boolean })[] = [
  {
    name: "slow",
    requirement: "HDL-SUB-15",
    title: "single bytes, delays and stalls change nothing of what comes, nor of its order",
    channels: [{}],
    weights: { ...TROUBLED, cut: 0, resume: 1 },
    troubles: ["segments", "segments", "delay", "stall", "flow"],
    breaks: false,
  },
  {
    name: "cut",
    requirement: "HDL-RES-11",
    title: "wherever a connection breaks, its client goes on from its positions and misses nothing",
    channels: [{}],
    weights: TROUBLED,
    troubles: ["break", "break", "break", "reset", "end", "segments", "stall", "delay"],
    breaks: true,
  },
  {
    name: "cut-from-a-short-history",
    requirement: "HDL-GAP-1",
    title: "where a client was away for too long, a gap tells of what it missed",
    channels: [{ history: "few" }],
    weights: { ...TROUBLED, publish: 9 },
    troubles: ["break", "break", "reset", "end", "stall"],
    breaks: true,
  },
  {
    name: "half-open",
    requirement: "HDL-RES-17",
    title: "a client comes back while the server still believes in its former connection",
    channels: [{}],
    weights: { ...TROUBLED, resume: 7 },
    troubles: ["half-open", "half-open", "break", "stall", "flow"],
    breaks: true,
  },
];

async function run(steps: readonly Step[], spec: WorldSpec, breaks: boolean): Promise<void> {
  const network = await BadNetwork.open(spec.server.peer.target, spec.clients);
  try {
    await new World({ ...spec, network, breaks }).run(steps);
  } finally {
    network.close();
  }
}

export const cases: readonly Case[] = SCENES.map((scene) => {
  const { name, requirement, title, breaks } = scene;
  const one = check(requirement, name, title, async (server: Server) => {
    const { secure, insecure } = server.peer.target;
    if (secure && !insecure) {
      throw new Skipped(
        "a proxy stands between: no certificate is its own, and --insecure not given",
      );
    }
    await play(server, scene, (list, spec) => run(list, spec, breaks));
  });
  return { ...one, id: `channels/chaos/${name}` };
});
