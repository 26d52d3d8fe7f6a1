/** What names start with that are nobody else's. */
const PREFIXES = ["WEBSOCKET_", "RATE_LIMIT_"];

/** Above so many changes, a name is not taken for a misspelt one. */
const MAX_DISTANCE = 8;

/** Says of each name that starts like one of `known` and is none what it may be meant for. */
export function findMisspelt(names: readonly string[], known: readonly string[]): string[] {
  return names
    .filter((name) => !known.includes(name))
    .filter((name) => PREFIXES.some((prefix) => name.toUpperCase().startsWith(prefix)))
    .map((name) => {
      const meant = nearest(name.toUpperCase(), known);
      const hint = meant === undefined ? "there is no such variable" : `is ${meant} meant?`;
      return `${name} is not known, so it does nothing: ${hint}`;
    });
}

function nearest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = MAX_DISTANCE + 1;
  for (const candidate of known) {
    const distance = editDistance(name, candidate);
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

/** How many characters must be put in, taken out or changed to make `b` of `a` (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const above = row;
    row = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = above[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(changed, above[j]! + 1, row[j - 1]! + 1));
    }
  }
  return row[b.length]!;
}
