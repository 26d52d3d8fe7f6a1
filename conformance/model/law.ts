/**
 * How the model blames: by the requirement that a step showed to be broken.
 *
 * @module
 */
import { REQUIREMENTS } from "../channels/protocol.ts";
import { showMessage } from "../channels/shape.ts";
import { Broken } from "../peer/finding.ts";
import type { RequirementId } from "../peer/watch.ts";

/** Fails unless something holds that a requirement asks for; names it, and quotes its sentence. */
export function law(
  holds: boolean,
  requirement: RequirementId,
  expected: string,
  observed: unknown,
): asserts holds {
  if (holds) return;
  const sentence = REQUIREMENTS.get(requirement)?.text ?? "";
  throw new Broken({
    expected: `${expected} (${requirement}: ${sentence})`,
    observed: typeof observed === "string" ? observed : showMessage(observed),
  });
}
