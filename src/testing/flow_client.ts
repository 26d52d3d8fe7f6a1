import { assert, assertEquals } from "@std/assert";
import { anonymousIdentity } from "../guard/identity.ts";
import type { Peer } from "../hub/hub.ts";
import type { Position } from "../protocol/messages.ts";
import { FakeSocket } from "./fake_socket.ts";
import { LAG, type Published, type World } from "./flow_world.ts";

/** What is known of a channel it is on. */
interface Followed {
  epoch: string;
  /** The last place that is accounted for; undefined after a gap without ends. */
  offset: number | undefined;
  /** Whether it asked for a place that there is not, or its session stood at one. */
  askedForNowhere: boolean;
}

/** A message of the hub, read loosely. */
interface Message {
  readonly type: string;
  readonly [field: string]: unknown;
}

type Positions = Readonly<Record<string, Position>>;

/** How a client asks for a channel. */
export type Asked = "head" | "own position" | "future" | "foreign" | "last";

/** A client that follows channels by its own positions, and believes nothing. */
export class FlowClient {
  readonly #world: World;
  readonly #userId: string | null;
  #socket: FakeSocket | undefined;
  #peer: Peer | undefined;
  #isGreeted = false;
  #clientId = "";
  #token: string | undefined;
  /** What it is on, and where it stands there; kept while it is away. */
  #followed = new Map<string, Followed>();
  /** What it was on before. */
  readonly #past = new Map<string, Position>();
  /** While it waits for `resumed`: what it is on meanwhile, and the events it got there. */
  #meanwhile: { followed: Map<string, Followed>; readonly events: Message[] } | undefined;
  /** The numbers of all events it ever got: none may come twice. */
  readonly #got = new Set<number>();
  /** The numbers of those it was told it will not get. */
  readonly #missed = new Set<number>();
  /** Those among what it got that came before it was told `resumed`, ahead of its place. */
  readonly #ahead = new Set<number>();
  /** Subscribes without an answer: what was asked, and from where. */
  readonly #asked = new Map<string, { readonly asked: Asked; readonly own?: Position }>();
  /** The channel of each request about one that no answer was read to. */
  #unsure: string[] = [];
  /** The same of the connection before. */
  #unanswered: readonly string[] = [];
  #requests = 0;

  constructor(world: World, userId: string | null) {
    this.#world = world;
    this.#userId = userId;
  }

  get isConnected(): boolean {
    return this.#peer !== undefined;
  }

  /** Whether it knows who it is, and may ask for something. */
  get isReady(): boolean {
    return this.isConnected && this.#isGreeted && this.#meanwhile === undefined;
  }

  get canResume(): boolean {
    return !this.isConnected && this.#token !== undefined;
  }

  get clientId(): string {
    return this.#clientId;
  }

  /** Connects anew: what it had is over. */
  connect(): void {
    this.#leaveAll();
    this.#token = undefined;
    this.#accept();
  }

  /** Comes back with its token, by message with its own positions, or by the request without. */
  resume(by: "message" | "query"): void {
    const token = this.#token!;
    if (by === "query") return this.#accept(token);
    this.#meanwhile = { followed: new Map(), events: [] };
    this.#accept();
    const positions: Record<string, Position> = {};
    for (const [name, { epoch, offset }] of this.#followed) {
      if (offset !== undefined) positions[name] = { epoch, offset };
    }
    this.#send({ type: "resume", reconnection_token: token, positions });
  }

  subscribe(channel: string, wanted: Asked): void {
    const own = this.#followed.has(channel) || this.#unsure.includes(channel)
      ? undefined
      : this.#past.get(channel);
    const asked = wanted === "own position" && own === undefined ? "head" : wanted;
    const head = this.#world.headOf(channel) ?? { epoch: "none", offset: 0 };
    const positions: Partial<Record<Asked, Position>> = {
      "future": { ...head, offset: head.offset + 1_000 },
      "foreign": { epoch: "foreign", offset: 1 },
      ...(own === undefined ? {} : { "own position": own }),
    };
    const position = positions[asked];
    const correlation_id = `${this.#requests++}`;
    this.#asked.set(correlation_id, { asked, ...(own && { own }) });
    this.#unsure.push(channel);
    this.#send({
      type: "subscribe",
      channels: [channel],
      correlation_id,
      ...(asked === "last" ? { last: 3 } : {}),
      ...(position === undefined ? {} : { positions: { [channel]: position } }),
    });
  }

  unsubscribe(channel: string): void {
    this.#unsure.push(channel);
    this.#send({ type: "unsubscribe", channels: [channel] });
  }

  publish(channel: string, key: number, echo: boolean): void {
    const data = this.#world.say(key);
    this.#send({ type: "publish", channel, event_type: "said", data, echo });
  }

  hello(features: unknown): void {
    this.#send({ type: "hello", features });
  }

  /** Gives a sign of life. */
  live(): void {
    this.#peer?.pong();
  }

  /** Lets its socket take so many frames more. */
  take(frames: number): void {
    if (this.#socket !== undefined) this.#socket.room = frames;
  }

  /** Reads so many frames; gives how many there were. */
  read(most: number): number {
    const frames = this.#socket?.frames.splice(0, most) ?? [];
    for (const frame of frames) {
      const message: Message = JSON.parse(String(frame));
      if (message.type !== "batch") this.#judge(message);
      else for (const each of message["messages"] as Message[]) this.#judge(each);
    }
    const { ended } = this.#socket ?? {};
    if (ended !== undefined && this.#socket?.frames.length === 0) {
      this.#end(ended === 0 ? 1006 : ended);
    }
    return frames.length;
  }

  /** Breaks the connection; the last frames under way are lost. */
  cut(lost: number): void {
    this.read(Math.max(0, (this.#socket?.frames.length ?? 0) - lost));
    this.#end(1006);
  }

  /** After everything has settled: nothing that was for it is missing, unless it was told. */
  checkComplete(): void {
    if (!this.isConnected) return;
    assert(this.isReady, "it was never greeted, or its resume never answered");
    for (const [name, followed] of this.#followed) {
      const head = this.#world.headOf(name);
      if (head === undefined) continue;
      assertEquals(followed.epoch, head.epoch, `${name} goes on in an epoch nobody told of`);
      if (followed.offset !== undefined) {
        this.#account(name, followed, head.offset + 1);
        continue;
      }
      const held = new Set(this.#world.held(name));
      for (const event of this.#world.eventsOf(name, head.epoch)) {
        if (held.has(event.offset)) this.#assertAccounted(event);
      }
    }
  }

  #accept(reconnectionToken?: string): void {
    this.#socket = new FakeSocket(this.#world.fanout);
    this.#isGreeted = false;
    this.#asked.clear();
    this.#unanswered = this.#unsure;
    this.#unsure = [];
    this.#peer = this.#world.hub.accept(this.#socket, {
      identity: { ...anonymousIdentity(), userId: this.#userId },
      address: "127.0.0.1",
      ...(reconnectionToken === undefined ? {} : { reconnectionToken }),
    });
  }

  #send(message: unknown): void {
    this.#peer!.receive(JSON.stringify(message));
  }

  #end(code: number): void {
    const peer = this.#peer;
    this.#peer = undefined;
    this.#socket = undefined;
    // What it got before it was told `resumed` it forgets: the session will have it again.
    this.#meanwhile = undefined;
    peer?.closed(code, "");
  }

  #judge(message: Message): void {
    switch (message.type) {
      case "connected":
        return this.#connected(message);
      case "resumed":
        return this.#resumed(message);
      case "error":
        assertEquals(message["code"], "session_expired", JSON.stringify(message));
        return this.#lost();
      case "subscribed":
        return this.#subscribed(message);
      case "unsubscribed":
        for (const name of message["channels"] as string[]) {
          this.#answered(name);
          this.#leave(name);
        }
        return;
      case "disconnected":
        if (this.#meanwhile !== undefined) return;
        this.#token = (message["reconnection_token"] as string | undefined) ?? this.#token;
        return;
      case "event":
        if (this.#meanwhile === undefined) return this.#event(message);
        this.#meanwhile.events.push(message);
        return;
      case "gap":
        return this.#gap(message);
      default:
        assert(["published", "welcome", "pong"].includes(message.type), JSON.stringify(message));
    }
  }

  #connected(message: Message): void {
    assert(!this.#isGreeted, "connected came twice");
    this.#isGreeted = true;
    this.#clientId = message["client_id"] as string;
    const told = followedFrom(message["positions"] as Positions);
    if (this.#meanwhile !== undefined) {
      this.#meanwhile.followed = told;
      return;
    }
    this.#token = message["reconnection_token"] as string;
    if (message["reconnected"] === true) {
      // It goes on after what was written: what was lost under way is told by the place.
      for (const [name, { epoch, offset }] of this.#followed) {
        const now = told.get(name);
        if (now?.epoch !== epoch || offset === undefined) continue;
        if (now.offset! < offset && this.#unanswered.includes(name)) {
          // It left, and came anew from an earlier place, and had the answer to neither.
          this.#forget(name, epoch, now.offset!);
          continue;
        }
        assert(now.offset! >= offset, `${name} goes back from ${offset} to ${now.offset}`);
      }
      const recovered = message["recovered"] as Readonly<Record<string, boolean>>;
      for (const [name, now] of told) now.askedForNowhere = recovered[name] === false;
    }
    this.#leaveAll();
    this.#followed = told;
    if (message["reconnected"] !== true) this.#beginAnew();
  }

  #resumed(message: Message): void {
    const { followed, events } = this.#meanwhile!;
    this.#meanwhile = undefined;
    this.#clientId = message["client_id"] as string;
    this.#token = message["reconnection_token"] as string;
    for (const event of events) {
      const name = event["channel"] as string;
      const { epoch } = followed.get(name)!;
      const own = this.#followed.get(name);
      const found = this.#find(event, epoch);
      // The hub may have been told less than the session has seen.
      if (own?.epoch === epoch && found.offset <= (own.offset ?? 0)) continue;
      if (this.#ahead.has(found.number)) continue;
      this.#get(found);
      this.#ahead.add(found.number);
    }
    const positions = message["positions"] as Positions;
    const recovered = message["recovered"] as Readonly<Record<string, boolean>>;
    const told = followedFrom(positions);
    const before = new Map(this.#followed);
    this.#leaveAll();
    this.#followed = told;
    for (const [name, now] of told) {
      const own = before.get(name);
      if (own?.offset === undefined) {
        now.askedForNowhere = recovered[name] === false;
        continue;
      }
      if (recovered[name]) {
        assertEquals(positions[name], { epoch: own.epoch, offset: own.offset });
      }
      // Judged from its own place on, so that whatever is missing must be told.
      if (own.epoch === now.epoch) now.offset = own.offset;
      else now.askedForNowhere = true;
    }
  }

  /** Its session is gone; it goes on from where it was greeted. */
  #lost(): void {
    if (this.#meanwhile === undefined) return;
    const { followed, events } = this.#meanwhile;
    this.#meanwhile = undefined;
    // Only the next greeting gives it a token.
    this.#token = undefined;
    this.#leaveAll();
    this.#followed = followed;
    this.#beginAnew();
    for (const event of events) this.#event(event);
  }

  /** A hub that was not told everything yet starts a session with what another had already. */
  #beginAnew(): void {
    for (const [name, { epoch, offset }] of this.#followed) this.#forget(name, epoch, offset!);
  }

  #subscribed(message: Message): void {
    const { asked, own } = this.#asked.get(message["correlation_id"] as string)!;
    const positions = message["positions"] as Positions;
    const recovered = (message["recovered"] ?? {}) as Readonly<Record<string, boolean>>;
    for (const name of message["channels"] as string[]) {
      this.#answered(name);
      // Asked for again, it goes on as it was.
      if (this.#followed.has(name)) continue;
      const position = positions[name]!;
      const now: Followed = { ...position, askedForNowhere: false };
      this.#followed.set(name, now);
      if (asked === "future" || asked === "foreign") {
        assertEquals(recovered[name], false);
        now.askedForNowhere = true;
        this.#forget(name, position.epoch, 0);
      } else if (asked === "own position") {
        if (recovered[name]) assertEquals(position, own!);
        if (own!.epoch === position.epoch) now.offset = own!.offset;
        else now.askedForNowhere = true;
      } else {
        assertEquals(recovered[name], undefined);
        this.#forget(name, position.epoch, position.offset);
      }
    }
  }

  #event(message: Message): void {
    const name = message["channel"] as string;
    if (name.startsWith("@") && name !== "@all") return;
    const followed = this.#followed.get(name);
    assert(followed !== undefined, `an event of ${name}, which it is not on`);
    const event = this.#find(message, followed.epoch);
    if (followed.offset !== undefined) {
      assert(event.offset > followed.offset, `${event.offset} comes after ${followed.offset}`);
      this.#account(name, followed, event.offset);
    }
    followed.offset = event.offset;
    // Cut off before its place had come so far, it asked for it again.
    if (!this.#ahead.delete(event.number)) this.#get(event);
  }

  #gap(message: Message): void {
    const name = message["channel"] as string;
    if (name.startsWith("@") && name !== "@all") return;
    const [from, to] = [message["from"], message["to"]] as [number | null, number | null];
    const epoch = message["epoch"] as string;
    const followed = this.#followed.get(name);
    assert(followed !== undefined, `a gap in ${name}, which it is not on`);
    if (from === null || to === null) {
      assert(
        followed.askedForNowhere || followed.epoch !== epoch,
        `a gap without ends in ${name}, though it asked for a place that there is`,
      );
      this.#followed.set(name, { epoch, offset: undefined, askedForNowhere: false });
      this.#forget(name, epoch, 0);
      return;
    }
    assertEquals(epoch, followed.epoch);
    // The place it was told may lie after the gap already.
    const isNew = followed.offset === undefined || followed.offset <= to;
    assert(from <= to && isNew, `a gap from ${from} to ${to} after ${followed.offset}`);
    for (const event of this.#world.eventsOf(name, epoch).slice(from - 1, to)) {
      if (this.#ahead.has(event.number)) continue;
      assert(!this.#got.has(event.number), `a gap where ${event.offset} of ${name} had come`);
      assert(this.#mayMiss(event), `a gap at ${event.offset} of ${name} without a reason`);
      this.#missed.add(event.number);
    }
    if (followed.offset !== undefined) this.#account(name, followed, from);
    followed.offset = to;
  }

  /** Whether a gap over this event is a true one. */
  #mayMiss(event: Published): boolean {
    if (!this.#isFor(event) || this.#world.mayBeGone(event)) return true;
    const later = this.#world.eventsOf(event.channel, event.epoch).slice(event.offset);
    if (event.channel === "dropping") return later.length >= LAG;
    return event.channel === "conflating" &&
      later.some((other) => other.key === event.key && this.#isFor(other));
  }

  #find(message: Message, epoch: string): Published {
    const { channel, offset, data } = message;
    const event = this.#world.eventsOf(channel as string, epoch)[(offset as number) - 1];
    const { number } = data as { number: number };
    assertEquals(number, event?.number, `another event at ${offset} of ${channel}`);
    return event!;
  }

  #get(event: Published): void {
    assert(this.#isFor(event), `${event.offset} of ${event.channel} was not for it`);
    assert(!this.#got.has(event.number), `${event.offset} of ${event.channel} came twice`);
    assert(!this.#missed.has(event.number), `${event.offset} came though a gap was told`);
    this.#got.add(event.number);
  }

  /** What comes after a place was asked for again. */
  #forget(name: string, epoch: string, after: number): void {
    for (const { number } of this.#world.eventsOf(name, epoch).slice(after)) {
      this.#got.delete(number);
      this.#ahead.delete(number);
      this.#missed.delete(number);
    }
  }

  /** What lies between its place and an offset has come, or was told, or was not for it. */
  #account(name: string, { epoch, offset }: Followed, until: number): void {
    const between = this.#world.eventsOf(name, epoch).slice(offset, until - 1);
    for (const event of between) this.#assertAccounted(event);
  }

  #assertAccounted(event: Published): void {
    const isAccounted = !this.#isFor(event) || this.#got.has(event.number) ||
      this.#missed.has(event.number);
    assert(isAccounted, `${event.offset} of ${event.channel} was lost, and nobody told`);
  }

  #isFor({ exclude }: Published): boolean {
    const { clients = [], users = [] } = exclude ?? {};
    return !clients.includes(this.#clientId) &&
      (this.#userId === null || !users.includes(this.#userId));
  }

  #answered(name: string): void {
    const i = this.#unsure.indexOf(name);
    if (i !== -1) this.#unsure.splice(i, 1);
  }

  #leave(name: string): void {
    const followed = this.#followed.get(name);
    this.#followed.delete(name);
    if (followed?.offset === undefined) this.#past.delete(name);
    else this.#past.set(name, { epoch: followed.epoch, offset: followed.offset });
  }

  #leaveAll(): void {
    for (const name of [...this.#followed.keys()]) this.#leave(name);
  }
}

function followedFrom(positions: Positions): Map<string, Followed> {
  const followed = new Map<string, Followed>();
  for (const [name, { epoch, offset }] of Object.entries(positions)) {
    if (name.startsWith("@") && name !== "@all") continue;
    followed.set(name, { epoch, offset, askedForNowhere: false });
  }
  return followed;
}
