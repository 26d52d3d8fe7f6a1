/**
 * Which of a target's channels a case asks for.
 *
 * @module
 */
import type { Action, ChannelOffer } from "../target/offer.ts";

/** What a channel must be like. What is not said is not asked for, and had plain where possible. */
export interface ChannelWant {
  /** What its `role` may do there. @default both */
  readonly may?: readonly Action[];
  /** And may not. @default nothing */
  readonly mayNot?: readonly Action[];
  /** A role that may not subscribe. @default any */
  readonly closedTo?: string;
  /** @default the role that the profile names */
  readonly role?: string;
  readonly presence?: boolean;
  /** With presence: whether it has a number of members that a case can go over. */
  readonly crowded?: boolean;
  readonly ack?: boolean;
  readonly echo?: boolean;
  /** Whether it has event types with examples of data that fit and that do not. */
  readonly events?: boolean;
  /** `few`: it keeps at most 100 events. `brief`: for at most 5 seconds. */
  readonly history?: "few" | "brief";
  readonly overflow?: "disconnect" | "drop-oldest" | "conflate";
  /** Whether nobody else may ever have used it: one of a pattern. */
  readonly unused?: boolean;
}

/**
 * Whether a channel is like that.
 *
 * @param usual The role of the kit's usual client.
 */
export function fits(offer: ChannelOffer, want: ChannelWant, usual: string): boolean {
  const { presence, history } = offer;
  const asksOthers = (want.role ?? usual) !== usual || want.closedTo !== undefined;
  if (offer.tried === true && asksOthers) return false;
  const actions = actionsOf(offer, want.role ?? usual);
  const mayNot = want.mayNot ?? [];
  const may = want.may ??
    (["subscribe", "broadcast"] as const).filter((one) => !mayNot.includes(one));
  const size = history?.size ?? 1000;
  const seconds = history?.seconds ?? 300;
  return may.every((action) => actions.includes(action)) &&
    mayNot.every((action) => !actions.includes(action)) &&
    (want.closedTo === undefined || !actionsOf(offer, want.closedTo).includes("subscribe")) &&
    (want.presence === undefined || want.presence === (presence !== undefined)) &&
    (want.crowded !== true || (presence?.max_members ?? 1000) <= 20) &&
    (want.ack === true) === (offer.ack === true) &&
    (want.echo === undefined || want.echo === (offer.echo ?? true)) &&
    (want.events === true) === (offer.events !== undefined) &&
    (want.history === "few") === (size <= 100) &&
    (want.history === "brief") === (seconds <= 5) &&
    (want.overflow === undefined || want.overflow === (offer.overflow ?? "disconnect"));
}

/** Whether it stands for all channels whose names begin so. */
export function isPattern(name: string): boolean {
  return name.endsWith("*");
}

/** How far from plain a channel is: the plainest that fits is taken, and of its own before all. */
export function oddity(name: string, { echo, presence, overflow }: ChannelOffer): number {
  const shared = isPattern(name) ? 0 : 4;
  const odd = [echo === false, presence !== undefined, overflow !== undefined].filter(Boolean);
  return shared + odd.length;
}

/** Says what is asked for. */
export function showWant(want: ChannelWant): string {
  const { may = ["subscribe", "broadcast"], mayNot = [], role } = want;
  const words = [
    `where ${role ?? "the usual role"} may ${
      may.filter((one) => !mayNot.includes(one)).join(" and ") || "do nothing"
    }`,
    mayNot.length > 0 ? `and not ${mayNot.join(" or ")}` : "",
    want.closedTo === undefined ? "" : `and ${want.closedTo} may not subscribe`,
    want.presence === true ? "with presence" : "",
    want.crowded === true ? "for at most 20 members" : "",
    want.ack === true ? "with acknowledgement" : "",
    want.echo === false ? "without echo" : "",
    want.events === true ? "with schemas" : "",
    want.history === "few" ? "that keeps at most 100 events" : "",
    want.history === "brief" ? "that keeps events for at most 5 seconds" : "",
    want.overflow === undefined ? "" : `with the overflow policy ${want.overflow}`,
    want.unused === true ? "and that a pattern makes for nobody else" : "",
  ];
  return words.filter((word) => word !== "").join(" ");
}

function actionsOf({ permissions }: ChannelOffer, role: string): readonly Action[] {
  return permissions[role] ?? permissions["*"] ?? [];
}
