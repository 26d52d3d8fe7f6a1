import { Refusal } from "../guard/refusal.ts";
import { isFailure } from "../protocol/errors.ts";
import { parseJson } from "../protocol/json.ts";
import { closesAfter } from "./linger.ts";

/** The largest body of a request, in bytes. */
const MAX_BODY = 65_536;

/**
 * Reads the JSON body of a request.
 *
 * @throws {Refusal} 413 over {@linkcode MAX_BODY}, 400 for what is not JSON, nests too deeply or is broken off.
 */
export async function readJson(request: Request): Promise<unknown> {
  const parsed = parseJson(await readText(request));
  if (!isFailure(parsed)) return parsed.value;
  const { code, message } = parsed;
  throw new Refusal(400, code, code === "invalid_json" ? "the body is not JSON" : message);
}

async function readText(request: Request): Promise<string> {
  if (Number(request.headers.get("content-length")) > MAX_BODY) throw tooLarge();
  const bytes = await readBytes(request);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Refusal(400, "invalid_json", "the body is not UTF-8");
  }
}

/** Counts while it reads: a body may come without Content-Length, or with a wrong one. */
async function readBytes(request: Request): Promise<Uint8Array> {
  const bytes = new Uint8Array(MAX_BODY);
  let size = 0;
  const reader = request.body?.getReader();
  for (;;) {
    const chunk = await reader?.read().catch(brokenOff);
    if (chunk === undefined || chunk.done) return bytes.subarray(0, size);
    if (size + chunk.value.byteLength > MAX_BODY) {
      if (closesAfter(request)) {
        reader?.releaseLock(); // for who reads on past the answer
      } else {
        // Whether the rest can be called off is the server's business; the answer does not wait for it.
        reader?.cancel().catch(() => {});
      }
      throw tooLarge();
    }
    bytes.set(chunk.value, size);
    size += chunk.value.byteLength;
  }
}

/** That a peer went while it sent is no failure of the server's, to be logged as one. */
function brokenOff(): never {
  throw new Refusal(400, "invalid_json", "the body did not come whole");
}

function tooLarge(): Refusal {
  return new Refusal(413, "message_too_large", `a body may have ${MAX_BODY} bytes at most`);
}
