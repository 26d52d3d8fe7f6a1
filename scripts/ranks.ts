/**
 * Who may import whom, and where a runtime may be named: the layers of the project as a table, and a
 * `deno lint` plugin that holds every file to it. Run by `deno lint` through `deno.json`, so an
 * editor shows a violation where it is written.
 *
 * @module
 */

/** The layers of `src/`, lowest first: a file imports from its own folder and from lower ones. */
const layers = [
  "base",
  "protocol",
  "guard",
  "broker",
  "channel",
  "session",
  "hub",
  "http",
  "adapter",
  "client",
  "cli",
];

/** Layers with a rule of their own instead of "everything lower". */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  client: ["base", "protocol"],
};

/** Nobody else in `src/` imports the hub, and only the command line imports the client. */
const importedBy: Readonly<Record<string, readonly string[]>> = {
  hub: ["http", "adapter", "cli"],
  client: ["cli"],
};

const runtimePlaces = [
  /^src\/(adapter|cli)\//,
  /^conformance\/(wire|target|chaos|performance)\//,
  // Reads the page that its cases are of.
  /^conformance\/channels\/protocol\.ts$/,
  /^conformance\/(cli[^/]*|teeth\.ts|side_by_side\.ts)/,
  // Servers to try the kit on, which no case imports.
  /^conformance\/(reference|matrix)\//,
  /^(scripts|bench|examples)\//,
];
/** Single modules that one file may name although its place may not. */
const exempt: Readonly<Record<string, { readonly module: string; readonly because: string }>> = {
  "src/client/socket.ts": {
    module: "ws",
    because: "Node 20 has no WebSocket of its own; elsewhere the import is never reached",
  },
  "src/guard/hmac.ts": {
    module: "node:crypto",
    because: "WebCrypto has another thread compute even what takes 3 µs; it is there on all three",
  },
};

const runtimeModule = /^(node:|bun:|bun$|ws$|ws\/|@hono\/node-server)/;
const notRelative = /^(@?heddle(\/|$)|\/|[a-z]+:\/)/;

const isTest = (file: string) => file.endsWith("_test.ts");

/** Whether `file`, a path from the root, may name `Deno`, `Bun`, `node:` modules and servers. */
function mayNameRuntime(file: string): boolean {
  return isTest(file) || isTestHelper(file) || runtimePlaces.some((place) => place.test(file));
}

// Contract suites and fixtures, which only tests import.
function isTestHelper(file: string): boolean {
  return /(^|[/_])(contract|fixtures?|testing)(\.ts|\/)/.test(file);
}

/** Why `file` may not import `specifier`; undefined where it may. Both as they stand in the source. */
export function forbiddenImport(file: string, specifier: string): string | undefined {
  if (!specifier.startsWith(".")) {
    if (notRelative.test(specifier) && /^(src|conformance|mod\.ts)/.test(file)) {
      return `"${specifier}" is the project itself or an address: import by a relative path`;
    }
    if (!runtimeModule.test(specifier) || mayNameRuntime(file)) return undefined;
    if (exempt[file]?.module === specifier) return undefined;
    return `"${specifier}" belongs to a runtime: only adapters, the command line and tests name it`;
  }
  const target = resolve(file, specifier);
  const from = place(file);
  const to = place(target);
  if (from.top === "conformance" && to.top === "src") {
    return "conformance imports nothing of src: a kit that shares code shares its bugs";
  }
  // What is measured is driven with the same helpers that tests use.
  if (isTest(file) || isTestHelper(file) || from.top === "bench") return undefined;
  if (isTest(target) || isTestHelper(target)) return "only tests import tests and their helpers";
  if (from.top === "conformance") {
    return to.top === "conformance" ? undefined : "conformance imports nothing but itself";
  }
  if (from.top !== "src") return undefined;
  if (to.top === "conformance" && from.layer !== "cli") return "only src/cli imports conformance";
  if (to.top === "conformance") return undefined;
  if (to.top !== "src") return `src imports nothing of ${to.top}`;
  return forbiddenLayer(from.layer, to.layer);
}

function forbiddenLayer(from: string, to: string): string | undefined {
  if (from === to) return undefined;
  for (const layer of [from, to]) {
    if (!layers.includes(layer)) {
      return `src/${layer} is no layer; the layers: ${layers.join(", ")}`;
    }
  }
  const own = mayImport[from];
  if (own !== undefined && !own.includes(to)) {
    return `${from} imports ${own.join(" and ")} only, not ${to}`;
  }
  const importers = importedBy[to];
  if (importers !== undefined && !importers.includes(from)) {
    return `only ${importers.join(", ")} import ${to}, ${from} may not`;
  }
  if (layers.indexOf(to) > layers.indexOf(from)) return `${from} is below ${to}: imports go down`;
  return undefined;
}

function place(file: string): { readonly top: string; readonly layer: string } {
  const [top = "", layer = "", ...rest] = file.split("/");
  return { top, layer: rest.length === 0 ? "" : layer };
}

function resolve(file: string, specifier: string): string {
  return new URL(specifier, `file:///${file}`).pathname.slice(1);
}

interface Node {
  readonly name?: string;
  readonly parent?: {
    readonly type: string;
    readonly key?: unknown;
    readonly object?: { readonly name?: string };
    readonly property?: unknown;
  };
  readonly source?: { readonly value?: unknown } | null;
  readonly argument?: {
    readonly literal?: { readonly value?: unknown };
    readonly value?: unknown;
  };
}

interface LintContext {
  readonly filename: string;
  report(problem: { readonly node: Node; readonly message: string }): void;
}

const root = new URL("..", import.meta.url).pathname;

const rule = {
  create(context: LintContext) {
    const file = context.filename.replace(/^file:\/\//, "").replace(root, "");
    const check = (node: Node, specifier: unknown) => {
      if (typeof specifier !== "string") return;
      const message = forbiddenImport(file, specifier);
      if (message !== undefined) context.report({ node, message });
    };
    const module = (node: Node) => check(node, node.source?.value);
    return {
      ImportDeclaration: module,
      ExportNamedDeclaration: module,
      ExportAllDeclaration: module,
      ImportExpression: module,
      TSImportType(node: Node) {
        check(node, node.argument?.literal?.value ?? node.argument?.value);
      },
      Identifier(node: Node) {
        if (node.name !== "Deno" && node.name !== "Bun") return;
        const { parent } = node;
        // `x.Deno` and `{ Deno: 1 }` name a property, not the runtime.
        if (parent?.type === "Property" && parent.key === node) return;
        const member = parent?.type === "MemberExpression" && parent.property === node;
        if (member && parent.object?.name !== "globalThis") return;
        if (mayNameRuntime(file)) return;
        context.report({ node, message: `${node.name} belongs in an adapter, not in ${file}` });
      },
    };
  },
};

// The linter takes a plugin as a default export only.
export default { name: "heddle", rules: { ranks: rule } };
