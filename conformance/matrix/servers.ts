/**
 * The servers that the compatibility matrix is made of: small echo programs, each as its library's
 * users would write it, in `servers/`.
 *
 * @module
 */

/** The part of `install.sh` that installs a server. */
export type Part = "npm" | "python" | "go" | "cpp" | "debian";

/** Where things are. */
export interface Places {
  /** The folder that `install.sh` installs into. */
  readonly cache: string;
  /** The folder of the programs. */
  readonly servers: string;
}

/**
 * A server. Its program is told `PORT` and `MAX_MESSAGE` (bytes) by its environment, listens on
 * 127.0.0.1, and prints one line, `library 1.2.3 | runtime 4.5.6`, both asked of the packages themselves.
 */
export interface MatrixServer {
  /** Permanent; small letters, digits, hyphens. */
  readonly name: string;
  readonly part: Part;
  readonly command: (places: Places) => readonly string[];
  /** The largest message it was told to take in bytes; null where that cannot be said exactly. */
  readonly maxMessage: number | null;
  /** False where the program cannot send back just what it received. */
  readonly echoes: boolean;
}

/** The largest message the programs take. */
export const MAX_MESSAGE = 16 * 1024 * 1024;

type Command = MatrixServer["command"];

const npm = (program: string, ...before: readonly string[]): Command => ({ cache }) => {
  const [runtime = "node", ...options] = before;
  const command = runtime === "node" ? "node" : `${cache}/npm/node_modules/.bin/${runtime}`;
  return [command, ...options, `${cache}/npm/${program}.js`];
};

const python = (program: string, ...rest: readonly string[]): Command => ({ cache, servers }) => [
  `${cache}/python/bin/python`,
  `${servers}/python/${program}.py`,
  ...rest,
];

const binary = (name: string): Command => ({ cache }) => [`${cache}/bin/${name}`];

const script = (interpreter: string, file: string): Command => ({ servers }) => [
  interpreter,
  `${servers}/${file}`,
];

function server(
  name: string,
  part: Part,
  command: Command,
  rest: Partial<Pick<MatrixServer, "maxMessage" | "echoes">> = {},
): MatrixServer {
  return { name, part, command, maxMessage: MAX_MESSAGE, echoes: true, ...rest };
}

/** All servers, in the order of the matrix. */
export const servers: readonly MatrixServer[] = [
  server("ws", "npm", npm("ws")),
  server("bun", "npm", npm("bun", "bun")),
  server("deno", "npm", npm("deno", "deno", "run", "--quiet", "--allow-all"), {
    maxMessage: null,
  }),
  server("websocket-node", "npm", npm("websocket")),
  server("faye-websocket-node", "npm", npm("faye-websocket")),
  server("fastify", "npm", npm("fastify")),
  server("crossws", "npm", npm("crossws")),
  server("python-websockets", "python", python("websockets_echo")),
  server("aiohttp", "python", python("aiohttp_echo")),
  server("tornado", "python", python("tornado_echo")),
  server("autobahn", "python", python("autobahn_echo")),
  server("uvicorn-websockets", "python", python("asgi_echo", "uvicorn", "websockets")),
  server(
    "uvicorn-websockets-sansio",
    "python",
    python("asgi_echo", "uvicorn", "websockets-sansio"),
  ),
  server("uvicorn-wsproto", "python", python("asgi_echo", "uvicorn", "wsproto")),
  server("hypercorn", "python", python("asgi_echo", "hypercorn", "wsproto")),
  server("gorilla", "go", binary("gorilla")),
  server("coder-websocket", "go", binary("coder")),
  server("beast", "cpp", binary("beast")),
  server("websocketpp", "cpp", binary("websocketpp")),
  server("mojolicious", "debian", script("perl", "perl/mojolicious.pl")),
  server("faye-websocket-ruby", "debian", script("ruby", "ruby/faye.rb")),
  server("em-websocket", "debian", script("ruby", "ruby/em.rb")),
  // Its programs get messages as lines, and so cannot send back just what came.
  server("websocketd", "debian", script("sh", "websocketd.sh"), {
    maxMessage: null,
    echoes: false,
  }),
];
