/**
 * All cases of the channel level, in the order of PROTOCOL.md.
 *
 * @module
 */
import type { Case } from "../case.ts";
import { cases as acknowledging } from "./acknowledging.ts";
import { cases as application } from "./application.ts";
import { cases as batching } from "./batching.ts";
import { cases as binary } from "./binary.ts";
import { cases as closing } from "./closing.ts";
import { cases as compressing } from "./compressing.ts";
import { cases as connecting } from "./connecting.ts";
import { cases as errors } from "./errors.ts";
import { cases as events } from "./events.ts";
import { cases as features } from "./features.ts";
import { cases as gaps } from "./gaps.ts";
import { cases as history } from "./history.ts";
import { cases as identity } from "./identity.ts";
import { cases as limits } from "./limits.ts";
import { cases as liveness } from "./liveness.ts";
import { cases as messages } from "./messages.ts";
import { cases as names } from "./names.ts";
import { cases as order } from "./order.ts";
import { cases as own } from "./own.ts";
import { cases as presence } from "./presence.ts";
import { cases as publishing } from "./publishing.ts";
import { cases as rates } from "./rates.ts";
import { cases as rest } from "./rest.ts";
import { cases as rooms } from "./rooms.ts";
import { cases as sessions } from "./sessions.ts";
import { cases as subscribing } from "./subscribing.ts";
import { cases as tokens } from "./tokens.ts";

/** Every case of Protocol 1. */
export const cases: readonly Case[] = [
  ...connecting,
  ...identity,
  ...tokens,
  ...messages,
  ...features,
  ...subscribing,
  ...own,
  ...gaps,
  ...history,
  ...sessions,
  ...publishing,
  ...events,
  ...acknowledging,
  ...presence,
  ...rooms,
  ...application,
  ...order,
  ...errors,
  ...closing,
  ...liveness,
  ...names,
  ...limits,
  ...rates,
  ...binary,
  ...compressing,
  ...batching,
  ...rest,
];
