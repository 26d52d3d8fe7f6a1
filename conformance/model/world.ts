/**
 * One run of the model: clients, channels, the steps they take, and what must hold in the end.
 *
 * @module
 */
import { type ConnectSpec, fresh, type Server } from "../channels/server.ts";
import type { ChannelWant } from "../channels/want.ts";
import { showMessage } from "../channels/shape.ts";
import { Broken, Skipped } from "../peer/finding.ts";
import type { Target } from "../wire/socket.ts";
import { Actor, type Stage } from "./actor.ts";
import { close, connect, cut, promote, resume } from "./coming.ts";
import { acknowledge, history, list, publish, subscribe, unsubscribe } from "./deeds.ts";
import { law } from "./law.ts";
import { Ledger, quoted } from "./ledger.ts";
import { Log } from "./log.ts";
import { askWho } from "./members.ts";
import { isOwn, OwnChannels, tell } from "./own.ts";
import { agree } from "./presence.ts";
import type { Step, Trouble } from "./step.ts";

/** A network that stands between the clients and the server, and misbehaves when it is told to. */
export interface Network {
  /** The way of the client of this number. */
  targetOf(client: number): Target;
  /** Does it to the way of a client; gives what is done in words. */
  befall(client: number, trouble: Trouble): string;
  /** Whether what the client sends now is read by nobody any more. */
  isDead(client: number): boolean;
  /** Whether nothing is answered for now. */
  isStalled(client: number): boolean;
  /** Lets everything pass as it is. */
  calm(): void;
}

/** What a world is made of. */
export interface WorldSpec {
  readonly server: Server;
  /** The channels that the steps' numbers stand for. */
  readonly wants: readonly ChannelWant[];
  readonly clients: number;
  /** Whether anything is published to users and connections. @default false */
  readonly own?: boolean;
  /** @default none: the clients reach the server by themselves */
  readonly network?: Network;
  /** Whether it breaks connections. @default false */
  readonly breaks?: boolean;
}

/** Milliseconds over the time that a session is kept. */
const OVER = 1_000;

/** Longest time that a run waits for a session to end, in seconds. */
const PATIENT = 5;

/** Clients, channels, and what is known of both. */
export class World {
  readonly #stage: Stage;
  readonly #spec: WorldSpec;
  readonly #actors: readonly Actor[];
  readonly #ledgers: readonly Ledger[];
  /** Publishes the last event of each channel and reads its past; always by a good network. */
  readonly #witness: Actor;
  readonly #log = new Log();
  #labels = 0;

  constructor(spec: WorldSpec) {
    const { server, wants, clients, own = false, network, breaks = false } = spec;
    this.#spec = spec;
    this.#ledgers = wants.map((want, i) => ledgerOf(server, want, i));
    this.#stage = {
      server,
      log: this.#log,
      ledgers: new Map(this.#ledgers.map((ledger) => [ledger.name, ledger])),
      own: own ? new OwnChannels() : null,
      tellsPresence: network === undefined,
      actors: [],
      breaks,
      follows: [],
      clients: [],
    };
    const [first, second] = [who(server), who(server)];
    if (own && first.user === undefined) {
      throw new Skipped("all clients are one user, whose own channel is others' too");
    }
    // The third is the first again, or nobody, by turns.
    const last = server.offer.anonymous === true ? { user: null } : first;
    this.#actors = Array.from({ length: clients }, (_, i) => {
      const identity = [first, second, last][i % 3] ?? first;
      const target = network?.targetOf(i);
      const way = target === undefined ? identity : { ...identity, target };
      return new Actor(`client ${i + 1}`, this.#stage, way);
    });
    this.#stage.actors.push(...this.#actors);
    this.#witness = new Actor("the kit", { ...this.#stage, breaks: false }, who(server));
  }

  /** Takes the steps, and holds the server to the model at each and in the end. */
  async run(steps: readonly Step[]): Promise<void> {
    try {
      for (const step of steps) await this.#take(step);
      await this.#end();
    } catch (error) {
      if (!(error instanceof Broken)) throw error;
      throw new Broken({ ...error.finding, counterexample: String(this.#log) });
    } finally {
      for (const client of this.#stage.clients) client.connection.wire.abandon();
    }
  }

  async #take(step: Step): Promise<void> {
    if (step.does === "settle") return await this.#settle();
    const actor = this.#actors[step.who];
    const ledger = this.#ledgers[step.where];
    if (actor === undefined || ledger === undefined) return;
    actor.read();
    switch (step.does) {
      case "trouble":
        if (actor.client === null && actor.session === null && step.trouble.how !== "break") {
          this.#flow(step.who);
          await connect(actor);
        }
        return this.#befall(step.who, step.trouble);
      case "resume":
        this.#flow(step.who);
        if (!step.spent || actor.spent !== null) {
          await resume(actor, {
            ...step,
            ...(step.hasty ? { meanwhile: () => this.#tell(actor, "user") } : {}),
          });
        }
        return;
      case "expire":
        return await this.#expire(actor);
      case "tell":
        if (actor.session === null) await connect(actor);
        await this.#tell(actor, step.to);
        if (!step.hasty) await this.#witness.answered();
        return;
    }
    if (actor.client === null && actor.session === null) {
      this.#flow(step.who);
      await connect(actor);
    }
    if (actor.client === null) return;
    switch (step.does) {
      case "subscribe":
        subscribe(actor, ledger, step);
        break;
      case "unsubscribe":
        unsubscribe(actor, ledger);
        break;
      case "publish":
        publish(actor, ledger, step, () => this.#label());
        break;
      case "history":
        history(actor, ledger, step);
        break;
      case "list":
        list(actor);
        break;
      case "ack":
        acknowledge(actor, ledger);
        break;
      case "presence":
        askWho(actor, ledger, this.#actors);
        break;
      case "cut":
        return cut(actor);
      case "leave":
        return await close(actor, 1000);
      case "go":
        return await close(actor, 1001);
      case "promote":
        return await promote(actor, this.#otherRole(actor));
    }
    // One that waits for no answer lets the others act meanwhile.
    if (!step.hasty && !this.#isHeldUp(step.who)) await actor.answered();
  }

  /** The kit asks the application to publish: whom it is for may be away. */
  async #tell(actor: Actor, to: "user" | "client"): Promise<void> {
    const own = this.#stage.own?.of(actor) ?? [];
    const ledger = to === "user" ? own[0] : own.at(-1);
    if (ledger === undefined) return;
    await this.#greetWitness();
    tell(this.#witness, ledger, this.#label());
  }

  #isHeldUp(client: number): boolean {
    const { network } = this.#spec;
    return network !== undefined && (network.isDead(client) || network.isStalled(client));
  }

  /** A handshake needs a network that passes something on. */
  #flow(client: number): void {
    const { network } = this.#spec;
    if (network?.isStalled(client) === true) this.#befall(client, { how: "flow" });
  }

  #befall(client: number, trouble: Trouble): void {
    const { network } = this.#spec;
    if (network === undefined) return;
    this.#log.add(`the network ${network.befall(client, trouble)} client ${client + 1}`);
  }

  #otherRole({ role }: Actor): string {
    const { server } = this.#spec;
    const admin = server.offer.admin_role ?? "admin";
    return role === admin ? server.role : admin;
  }

  async #expire(actor: Actor): Promise<void> {
    const { session } = actor;
    if (actor.client !== null || session === null || session.life > PATIENT) return;
    this.#log.add(`${actor.name} stays away for longer than its session is kept`);
    await this.#spec.server.pause(session.life * 1000 + OVER);
  }

  /** Everybody has what is due: a last event of each channel proves what came before it, or did not. */
  async #settle(): Promise<void> {
    const { network } = this.#spec;
    network?.calm();
    for (const [i, actor] of this.#actors.entries()) {
      // It would hear nothing, and give up by its own clock.
      if (actor.client !== null && network?.isDead(i) === true) cut(actor);
      await actor.answered();
    }
    await this.#witness.answered();
    for (const ledger of [...this.#ledgers, ...this.#stage.own?.all ?? []]) {
      const readers = this.#actors.filter(({ follows }) => follows.has(ledger.name));
      if (readers.length > 0) await this.#flush(ledger, readers);
    }
    for (const actor of this.#actors) {
      for (const ledger of this.#ledgers) await agree(actor, ledger);
    }
    // What comes too late, or again, comes before the answer to a ping.
    for (const actor of this.#actors) {
      actor.request({ type: "ping" }, { text: "", outcome: null }, () => "");
      await actor.answered();
    }
    for (const follow of this.#stage.follows) follow.checkSkipped();
  }

  async #flush(ledger: Ledger, readers: readonly Actor[]): Promise<void> {
    const label = this.#label();
    const { name, shown } = ledger;
    await this.#greetWitness();
    const step = { does: "publish", count: 1, echo: true, id: null } as const;
    if (isOwn(name)) tell(this.#witness, ledger, label);
    else publish(this.#witness, ledger, { who: 0, where: 0, hasty: false, ...step }, () => label);
    await this.#witness.answered();
    const publication = ledger.find(label);
    if (publication?.fate !== "taken") return;
    for (const actor of readers) {
      const follow = actor.follows.get(name);
      if (actor.client === null || follow === undefined) continue;
      const awaited = `${quoted(label)} of ${shown} to ${actor.name}, or a gap (HDL-SUB-15)`;
      while (actor.client !== null && actor.follows.get(name) === follow) {
        actor.read();
        if (follow.isPast(publication)) break;
        const isOf = ({ type, channel }: { readonly type: string; readonly channel?: unknown }) =>
          channel === name && (type === "event" || type === "gap");
        await actor.until(isOf, awaited);
      }
    }
  }

  /** Whoever can come back does, has what is due, and what is kept is as was told. */
  async #end(): Promise<void> {
    await this.#settle();
    for (const actor of this.#actors) {
      if (actor.client !== null || actor.session === null) continue;
      await resume(actor, { by: "message", positions: true, spent: false });
    }
    await this.#settle();
    await this.#greetWitness();
    for (const ledger of this.#ledgers) {
      history(this.#witness, ledger, {
        does: "history",
        who: 0,
        where: 0,
        hasty: false,
        since: "start",
        limit: 1000,
      });
    }
    await this.#witness.answered();
    for (const follow of this.#stage.follows) follow.checkSkipped();
  }

  async #greetWitness(): Promise<void> {
    if (this.#witness.client !== null) return;
    const greeting = await this.#witness.connect();
    law(greeting !== null, "HDL-CON-8", "connected", showMessage(greeting));
    this.#witness.begin(greeting);
  }

  /** `a` … `z`, `aa` … */
  #label(): string {
    let rest = this.#labels++;
    let label = "";
    do {
      label = String.fromCodePoint(97 + rest % 26) + label;
      rest = Math.floor(rest / 26) - 1;
    } while (rest >= 0);
    return label;
  }
}

/** Somebody whom nobody else is. */
function who({ offer, role }: Server): ConnectSpec {
  const { tokens } = offer;
  if (tokens !== undefined && !("roles" in tokens)) return { user: `kit-${fresh()}`, role };
  return offer.anonymous === true ? { user: null } : {};
}

function ledgerOf(server: Server, want: ChannelWant, i: number): Ledger {
  const { name, offer } = server.channel({ ...want, unused: true });
  const declared = Object.entries(server.offer.channels ?? {}).find(([, one]) => one === offer);
  const shown = declared?.[0] ?? name;
  return new Ledger(name, i === 0 ? shown : `${shown} (${i + 1})`, offer);
}
