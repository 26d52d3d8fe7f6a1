/**
 * Starts a real nginx with the example's configuration, on loopback and in a folder of its own.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { accessSync, constants, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { freePort } from "../../conformance/target/port.ts";
import { Running } from "../../src/cli/testing.ts";

const example = readFileSync(new URL("heddle.conf", import.meta.url), "utf8");

/** Where nginx is; not on everybody's PATH is where Debian has it. */
export const nginx: string | undefined = [
  ...(process.env["PATH"] ?? "").split(delimiter),
  "/usr/sbin",
  "/usr/local/sbin",
].map((folder) => join(folder, "nginx")).find(isProgram);

/** A running nginx. */
export interface Proxy extends AsyncDisposable {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** All that is in its log files, as soon as it is as it should be. */
  logs(isComplete?: (text: string) => boolean): Promise<string>;
}

/**
 * Starts nginx in front of a hub, and waits until it listens. It takes a client for the one that the
 * header field `X-Test-Client` names, so that loopback has more than one.
 *
 * @param hub Where the hub is: a URL.
 * @param changes What else is replaced in the example's configuration, for quick tests.
 */
export async function startNginx(
  hub: string,
  changes: Readonly<Record<string, string>> = {},
): Promise<Proxy> {
  const folder = mkdtempSync(join(tmpdir(), "heddle-nginx-"));
  const host = `127.0.0.1:${await freePort()}`;
  const replaced = {
    "listen 80;": `listen ${host};`,
    "server 127.0.0.1:8000;": `server ${new URL(hub).host};`,
    ...changes,
  };
  let configuration = example;
  for (const [from, to] of Object.entries(replaced)) {
    assertEquals(configuration.split(from).length, 2, `once in heddle.conf: ${from}`);
    configuration = configuration.replace(from, to);
  }
  writeFileSync(join(folder, "heddle.conf"), configuration.replaceAll("/var/log/nginx", folder));
  writeFileSync(join(folder, "nginx.conf"), surroundings(folder));
  const running = new Running(nginx!, ["-e", "stderr", "-c", join(folder, "nginx.conf")], {});
  while (!await listens(host)) {
    if (running.isOver) throw new Error(`nginx ended: ${running.stderr}`);
    await pause();
  }
  return {
    host,
    async logs(isComplete = () => true) {
      for (;;) {
        const files = ["heddle-access.log", "heddle-error.log"];
        const text = files.map((file) => readFileSync(join(folder, file), "utf8")).join("");
        if (isComplete(text)) return text;
        await pause();
      }
    },
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function surroundings(folder: string): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return `
    daemon off;
    master_process off;
    pid ${folder}/nginx.pid;
    events { worker_connections 512; }
    http {
      ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join(" ")}
      set_real_ip_from 127.0.0.1;
      real_ip_header X-Test-Client;
      include ${folder}/heddle.conf;
    }
  `;
}

function listens(host: string): Promise<boolean> {
  const { hostname, port } = new URL(`http://${host}`);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

/** Before what tells nothing by itself is asked again. */
function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
