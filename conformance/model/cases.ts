/**
 * Cases that let several clients do anything they may, in any order, and hold the server to a model
 * of channels at every step.
 *
 * @module
 */
import type { Case } from "../case.ts";
import { check } from "../channels/check.ts";
import type { Server } from "../channels/server.ts";
import type { ChannelWant } from "../channels/want.ts";
import { forAll } from "../peer/property.ts";
import type { RequirementId } from "../peer/watch.ts";
import { reduce } from "./reduce.ts";
import { type Deed, type Step, steps, type Trouble } from "./step.ts";
import { World, type WorldSpec } from "./world.ts";

/** A case of the model. */
export interface Scene {
  readonly name: string;
  /** The requirement that stands for what it is about; what breaks is blamed by its own. */
  readonly requirement: RequirementId;
  readonly title: string;
  readonly channels: readonly ChannelWant[];
  readonly weights: Readonly<Partial<Record<Deed, number>>>;
  /** How many clients take part. @default 3 */
  readonly clients?: number;
  /** Whether anything is published to users and connections. @default false */
  readonly own?: boolean;
  /** What befalls the network. @default nothing */
  readonly troubles?: readonly Trouble["how"][];
}

/** How many steps are taken at most. */
const MOST = 20;

/** How often each kind of step comes. */
export const USUAL: Scene["weights"] = {
  publish: 6,
  subscribe: 5,
  unsubscribe: 1,
  history: 1,
  list: 1,
  cut: 1,
  go: 1,
  leave: 1,
  resume: 3,
  settle: 1,
};

const SCENES: readonly Scene[] = [
  {
    name: "any-legal-steps",
    requirement: "HDL-SUB-15",
    title: "whatever clients do on two channels, each gets every event that is for it",
    channels: [{}, {}],
    weights: USUAL,
  },
  {
    name: "any-steps-on-a-short-history",
    requirement: "HDL-GAP-1",
    title: "where few events are kept, a gap tells of what is gone, and nothing else is missing",
    channels: [{ history: "few" }],
    weights: { ...USUAL, publish: 9, cut: 2, resume: 4 },
  },
  {
    name: "any-steps-of-changing-roles",
    requirement: "HDL-TOK-6",
    title: "whatever role a client has, it has what the role permits and nothing else",
    channels: [{ may: [], mayNot: ["subscribe", "broadcast"] }, {}],
    weights: { promote: 6, subscribe: 8, publish: 3, list: 1, history: 1, cut: 1, resume: 2 },
    clients: 2,
  },
  {
    name: "any-steps-with-presence",
    requirement: "HDL-PRE-1",
    title: "whoever comes and goes, the members are those who are there",
    channels: [{ presence: true }],
    weights: { ...USUAL, publish: 1, subscribe: 9, unsubscribe: 2, cut: 3, settle: 4, presence: 2 },
  },
  {
    name: "any-steps-on-own-channels",
    requirement: "HDL-OWN-2",
    title: "what is published to a user or a connection reaches them, also when they come back",
    channels: [{}],
    weights: { tell: 8, subscribe: 1, list: 1, cut: 2, go: 2, leave: 1, resume: 6, settle: 1 },
    own: true,
  },
  {
    name: "any-steps-with-acknowledgement",
    requirement: "HDL-ACK-4",
    title: "repeats are of events that came before, and are over with their acknowledgement",
    channels: [{ ack: true }],
    weights: { ...USUAL, ack: 4, history: 0 },
  },
  {
    name: "any-steps-with-expiry",
    requirement: "HDL-RES-2",
    title: "sessions end and clients begin anew, and each gets every event that is for it",
    channels: [{}],
    weights: { ...USUAL, cut: 3, expire: 2 },
  },
];

/** Plays a scene, many times over: `run` takes the steps in a world of that kind. */
export async function play(
  server: Server,
  { channels, weights, clients = 3, own = false, troubles = [] }: Scene,
  run: (steps: readonly Step[], spec: WorldSpec) => Promise<void>,
): Promise<void> {
  await forAll<readonly Step[]>(server.peer, {
    inputs: steps({ clients, channels: channels.length, weights, most: MOST, troubles }),
    show: (list) => `${list.length} steps`,
    reduce,
    holds: (list) => run(list, { server, wants: channels, clients, own }),
  });
}

export const cases: readonly Case[] = SCENES.map((scene) => {
  const { name, requirement, title, weights } = scene;
  const one = check(requirement, name, title, async (server) => {
    await play(server, scene, (list, spec) => new World(spec).run(list));
  });
  // It waits for time to pass.
  const needs = weights.expire === undefined ? {} : { needs: ["full" as const] };
  return { ...one, id: `channels/model/${name}`, ...needs };
});
