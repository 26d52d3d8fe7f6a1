import process from "node:process";
import { Command } from "commander";
import { machineSampler } from "../adapter/machine.ts";
import type { Server } from "../adapter/server.ts";
import { channel } from "../channel/definition.ts";
import { developmentAuth } from "../guard/development.ts";
import { tokenIssuer } from "../guard/issuer.ts";
import { jwtAuth } from "../guard/jwt.ts";
import type { Settings } from "../hub/settings/settings.ts";
import { type Feeds, stockFeeds } from "../hub/feeds.ts";
import { type AnyHub, createHub } from "../hub/hub.ts";
import { stockChannels } from "../hub/stock.ts";
import { banner } from "./banner.ts";
import { environmentHelp } from "./environment_help.ts";
import { CommandError, FAILED } from "./failure.ts";
import { lineLogger } from "./log.ts";
import { serveHub } from "./runtime.ts";
import { readSettings, type ServeFlags } from "./settings.ts";
import { stopSignal } from "./stop.ts";
import { VERSION } from "./version.ts";

/** How long clients have to close when the server ends, in milliseconds. */
const DRAIN = 5000;

/** How long the port has to close after that, in milliseconds. */
const CLOSE = 2000;

const AFTER = `
Options go before variables. SIGINT and SIGTERM tell clients to come back later,
and end it with exit code 0; the same again after a second ends it at once.`;

/** `heddle serve`: a hub with the stock channels and rooms, until a signal ends it. */
export function serveCommand(): Command {
  return new Command("serve")
    .description("run a hub with the six stock channels, fed by this machine, and room:*")
    .option("--host <address>", "the address to listen at (default: 127.0.0.1)")
    .option("--port <port>", "the port to listen at, 0 for a free one (default: 8000)")
    .option("--metrics-interval <seconds>", "time between two system_metrics (default: 5)")
    .option("--log-level <level>", "debug, info, warn or error (default: info)")
    .addHelpText("after", ({ command }) => environmentHelp(command) + AFTER)
    .action((flags: ServeFlags) => serve(readSettings(process.env, flags)));
}

async function serve(settings: Settings): Promise<void> {
  const stopped = stopSignal();
  const secret = settings.auth.secret ?? randomSecret();
  const isDevelopment = settings.environment === "development";
  const feeds = stockFeeds({
    version: VERSION,
    sample: machineSampler(),
    interval: settings.metricsInterval,
    logger: lineLogger(settings.logLevel),
  });
  const log = feeds.hooks.logger;
  const byToken = jwtAuth({ ...settings.auth, secret });
  const hub = createHub({
    ...settings.hub,
    auth: isDevelopment && settings.auth.anonymous
      ? developmentAuth(byToken, { warn: log.warn.bind(log) })
      : byToken,
    channels: { ...stockChannels(), "room:*": room },
    rooms: "room:",
    logger: log,
    onConnect(connection) {
      const { clientId, userId, role, address } = connection;
      log.info("connected", { clientId, userId, role, address });
      feeds.hooks.onConnect(connection);
    },
    onDisconnect(connection, ending) {
      log.info("disconnected", { clientId: connection.clientId, ...ending });
      feeds.hooks.onDisconnect(connection, ending);
    },
  });
  const server = await listen(hub, settings.server);
  feeds.start(hub);
  const adminToken = isDevelopment
    ? await tokenIssuer({ secret, algorithm: "HS256" }).issue({ userId: "admin", role: "admin" })
    : undefined;
  process.stdout.write(banner(server, settings.environment, adminToken));
  for (const warning of settings.warnings) log.warn(warning);
  log.info("listening", { url: server.url, environment: settings.environment });

  const signal = await stopped;
  log.info("draining", { signal, connections: hub.stats().connections });
  await end(hub, feeds, server);
  log.info("stopped");
}

const room = channel({
  description: "Rooms: whoever may connect may listen and speak",
  permissions: { "*": ["subscribe", "broadcast"] },
  echo: false,
  presence: true,
});

async function listen(hub: AnyHub, address: Settings["server"]): Promise<Server> {
  try {
    return await serveHub(hub, address);
  } catch (error) {
    await hub.drain();
    throw new CommandError(FAILED, describeListenError(error, address));
  }
}

function describeListenError(error: unknown, { hostname, port }: Settings["server"]): string {
  const { name, code, message } = error as Partial<NodeJS.ErrnoException>;
  switch (code ?? name) {
    case "EADDRINUSE":
    case "AddrInUse":
      return `port ${port} at ${hostname} is in use: choose another with --port or PORT`;
    case "EACCES":
    case "PermissionDenied":
      return `port ${port} at ${hostname} is not for this user: choose one above 1023`;
    default:
      return `cannot listen at ${hostname} port ${port}: ${message}`;
  }
}

/** Tells clients, drains the hub and frees the port; within DRAIN and CLOSE whatever peers do. */
async function end(hub: AnyHub, feeds: Feeds, server: Server): Promise<void> {
  await feeds.stop();
  await hub.drain({ within: DRAIN });
  await Promise.race([
    server.close(),
    new Promise((resolve) => setTimeout(resolve, CLOSE)),
  ]);
}

function randomSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
