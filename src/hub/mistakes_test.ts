import { describe, it } from "node:test";
import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { HeddleError } from "../base/errors.ts";
import { memoryBroker } from "../broker/memory.ts";
import { channel, conflate } from "../channel/definition.ts";
import { developmentAuth } from "../guard/development.ts";
import { allowAnonymous } from "../guard/identity.ts";
import { tokenIssuer } from "../guard/issuer.ts";
import { jwtAuth } from "../guard/jwt.ts";
import { KeyedLimit } from "../guard/keyed_limit.ts";
import { withLookup } from "../guard/lookup.ts";
import { routes } from "../http/routes.ts";
import { Media } from "../protocol/event.ts";
import { stockFeeds } from "./feeds.ts";
import { createHub } from "./hub.ts";
import { message } from "./message.ts";

/** As JavaScript calls it, without types that would tell of a mistake. */
type Untyped = (...args: readonly unknown[]) => unknown;

const untyped = (fn: unknown) => fn as Untyped;
const secret = "a secret of at least thirty-two bytes";
const auth = allowAnonymous();

function refuses(what: string, allowed: RegExp, call: () => unknown): void {
  it(`refuse ${what}`, async () => {
    const error = await assertRejects(async () => {
      await call();
    }, HeddleError);
    assertEquals(error.code, "option_invalid");
    assertMatch(error.message, allowed);
  });
}

describe("Options of a hub", () => {
  const given = (options: object) => () => untyped(createHub)({ auth, ...options });
  refuses("none at all", /^the options must be an object, not undefined$/, () => {
    return untyped(createHub)();
  });
  for (
    const name of ["channels", "messages", "limits", "accept", "heartbeat", "session", "origin"]
  ) {
    refuses(`${name} that are no object`, new RegExp(`^${name} must be an object`), () => {
      return untyped(createHub)({ auth, [name]: 5 });
    });
  }
  for (const name of ["onConnect", "onDisconnect", "onMissed", "onDelivery"]) {
    refuses(`an ${name} that is no function`, new RegExp(`^${name} must be a function`), () => {
      return untyped(createHub)({ auth, [name]: "x" });
    });
  }
  refuses(
    "a logger without methods",
    /^logger must have .* has no warn/,
    given({ logger: { debug() {}, info() {} } }),
  );
  refuses("a clock that is none", /^clock must have/, given({ clock: {} }));
  refuses("a random source that is none", /^random must have/, given({ random: 5 }));
  refuses("a broker that is none", /^broker must have/, given({ broker: "redis://" }));
  refuses(
    "a misspelt compression",
    /"compression.jsn"; there are: text, json/,
    given({ compression: { jsn: {} } }),
  );
  refuses(
    "a misspelt rule of compression",
    /"compression.json.levl"; there are: algorithm, level/,
    given({ compression: { json: { levl: 5 } } }),
  );
  refuses(
    "a misspelt rule of a message's rate",
    /"rates.messages.publish.capcity"; there are: capacity, perSecond/,
    given({ rates: { messages: { publish: { capcity: 5 } } } }),
  );
  refuses(
    "a message without a schema",
    /must be made by message\(…\), of a zod schema and a function/,
    () => given({ messages: { ask: untyped(message)(() => {}, {}) } })(),
  );
});

describe("Options of a channel", () => {
  const given = (options: object) => () => untyped(channel)(options);
  refuses(
    "a misspelt history",
    /"channel.history.sise"; there are: size, bytes, ttl/,
    given({ history: { sise: 5 } }),
  );
  refuses(
    "a misspelt presence",
    /"channel.presence.garce"; there are: grace/,
    given({ presence: { garce: 5 } }),
  );
  refuses(
    "a presence that is a word",
    /^channel.presence must be an object/,
    given({ presence: "yes" }),
  );
  refuses(
    "an echo that is a word",
    /^channel.echo must be true or false/,
    given({ echo: "false" }),
  );
  refuses("an ack that is a word", /^channel.ack must be true or false/, given({ ack: "false" }));
  refuses("events in a list", /^channel.events must be an object/, given({ events: [] }));
  refuses("permissions in a list", /^channel.permissions must be/, given({ permissions: [] }));
  refuses("a description that is no text", /^channel.description/, given({ description: 5 }));
  refuses("a conflation without a key", /^conflate takes a function/, given({ overflow: {} }));
  refuses("a conflation by no function", /^conflate takes a function/, () => {
    return untyped(conflate)("symbol");
  });
});

describe("Options of guards, of the broker and of the routes", () => {
  const issuer = tokenIssuer({ secret });
  refuses("a misspelt option of an issuer", /"tokenIssuer.expireIn"; there are: secret/, () => {
    return untyped(tokenIssuer)({ secret, expireIn: 5 });
  });
  refuses("a misspelt part of a token", /"issue.rol"; there are: userId, role/, () => {
    return untyped(issuer.issue)({ userId: "u1", rol: "admin" });
  });
  refuses("a token of nothing", /^issue must be an object/, () => untyped(issuer.issue)());
  refuses("claims that are no object", /^issue.claims must be an object/, () => {
    return untyped(issuer.issue)({ userId: "u1", claims: "admin" });
  });
  it('refuse an anonymous that is the word "false", which would let everybody in', () => {
    const error = assertThrows(() => untyped(jwtAuth)({ secret, anonymous: "false" }), HeddleError);
    assertEquals(error.message, "anonymous must be true or false, not a string");
  });
  refuses("a requireExpiry that is a word", /^requireExpiry must be true or false/, () => {
    return untyped(jwtAuth)({ secret, requireExpiry: "no" });
  });
  refuses("a role that is none", /^role must be a non-empty string/, () => {
    return untyped(allowAnonymous)({ role: "guest" });
  });
  refuses("a misspelt option of a look-up", /"withLookup.timeOut"; there are: timeout/, () => {
    return untyped(withLookup)(auth, () => null, { timeOut: 5 });
  });
  refuses("a look-up that is no function", /^withLookup: lookup must be a function/, () => {
    return untyped(withLookup)(auth);
  });
  refuses("a misspelt option of developmentAuth", /"developmentAuth.rol"/, () => {
    return untyped(developmentAuth)(auth, { rol: "admin" });
  });
  refuses("a misspelt option of a keyed limit", /"KeyedLimit.kys"; there are: keys/, () => {
    return new KeyedLimit({ capacity: 1, perSecond: 1 }, { kys: 5 } as object);
  });
  refuses("a misspelt option of the broker", /"memoryBroker.historyByte"; there are/, () => {
    return untyped(memoryBroker)({ historyByte: 5 });
  });
  refuses("a number of the broker that is a word", /^memoryBroker.sessions is 5e3; it must/, () => {
    return untyped(memoryBroker)({ sessions: "5e3" });
  });
  refuses("feeds without a version", /^stockFeeds.version must be/, () => untyped(stockFeeds)({}));

  const hub = createHub({ auth });
  refuses("a misspelt option of the routes", /"adminRole"; there are: path, cors, adminR/, () => {
    return untyped(routes)(hub, { adminRole: ["staff"] });
  });
  refuses("roles that are one word", /^adminRoles must be a list of strings, not a string/, () => {
    return untyped(routes)(hub, { adminRoles: "admin" });
  });
  refuses("a cors that is a word", /^cors must be true or false/, () => {
    return untyped(routes)(hub, { cors: "false" });
  });
});

describe("Calls of a hub", () => {
  const hub = createHub({ auth, channels: { news: channel() } });
  const publish = (options: unknown) => () =>
    untyped(hub.channel("news").publish)("item", 1, options);

  it("leave nothing published where an option is wrong", async () => {
    await assertRejects(async () => await publish({ exlude: { users: ["u1"] } })());
    assertEquals(hub.stats().eventsPublished, 0);
  });
  refuses(
    "a misspelt exclusion",
    /"publish.exlude"; there are: exclude, ack/,
    publish({ exlude: { users: ["u1"] } }),
  );
  refuses(
    "one user for a list, whom a part of the name would match",
    /^publish.exclude.users must be a list of strings, not a string/,
    publish({ exclude: { users: "u1" } }),
  );
  refuses(
    "a misspelt list of users",
    /"publish.exclude.user"; there are: clients, users/,
    publish({ exclude: { user: ["u1"] } }),
  );
  refuses(
    "clients that are no strings",
    /^publish.exclude.clients must/,
    publish({ exclude: { clients: [5] } }),
  );
  refuses(
    "an exclusion of null",
    /^publish.exclude must be an object, not null/,
    publish({ exclude: null }),
  );
  refuses("an ack that is a word", /^publish.ack must be true or false/, publish({ ack: "yes" }));

  for (const id of ["", undefined, null, 5, "a\u0000b", "x".repeat(256)]) {
    refuses(
      `${JSON.stringify(id)?.slice(0, 10)} as a user`,
      /^a user id must be a string of 1 to 255/,
      () => {
        return hub.user(id as string).publish("notice", 1);
      },
    );
  }
  it("tell users of 1 and of 255 characters", async () => {
    for (const id of ["a", "x".repeat(255), "名前", "@all"]) {
      const { channel } = await hub.user(id).publish("notice", 1);
      assertEquals(channel, `@user:${id}`);
    }
  });
  refuses('"" as a client', /^a client id must be/, () => hub.client("").publish("notice", 1));

  refuses(
    "a misspelt filter, which would give everybody",
    /"connections.user"; there are: userId/,
    () => {
      return untyped(hub.connections.bind(hub))({ user: "u1" });
    },
  );
  refuses(
    "a revocation of nothing",
    /^revoke must be an object/,
    () => untyped(hub.revoke.bind(hub))(),
  );
  refuses("a revocation of two", /^revoke takes one of/, () => {
    return untyped(hub.revoke.bind(hub))({ userId: "u1", tokenId: "t1" });
  });
  refuses("a role of nobody", /^userId must be a non-empty string/, () => hub.setRole("", "admin"));
  refuses("one channel for a list", /^unsubscribe: channels must be a list/, () => {
    return untyped(hub.unsubscribe.bind(hub))("c1", "news", "no");
  });
  refuses("a close reason that is none", /^a close reason is a string/, () => {
    return untyped(hub.disconnect.bind(hub))("c1", { code: 4000 });
  });
});

describe("Media", () => {
  const bytes = new Uint8Array(1);
  const media = (...given: unknown[]) => () => Reflect.construct(Media, given);
  refuses(
    "a kind there is not",
    /^the kind of media is "gif"; it must be one of image/,
    media("gif", bytes),
  );
  refuses("content that is no bytes", /^the content of media must be/, media("image", "bytes"));
  refuses(
    "content that is a buffer",
    /^the content of media must be/,
    media("image", bytes.buffer),
  );
  refuses(
    "metadata that are no object",
    /^the metadata of media must be/,
    media("image", bytes, []),
  );
  it("take each kind", () => {
    for (const kind of ["image", "audio", "video", "binary"] as const) {
      assert(new Media(kind, bytes).metadata !== undefined);
    }
  });
});
