/** Finds what somebody may have meant. */

/**
 * The candidate that is most like a name: the same behind another prefix (`module.0.weight` for
 * `0.weight`), or within a third of its letters.
 */
export function closest(name: string, candidates: readonly string[]): string | undefined {
  const prefixed = candidates.find(
    candidate => candidate.endsWith(`.${name}`) || name.endsWith(`.${candidate}`),
  );
  if (prefixed !== undefined) return prefixed;
  let best: { candidate: string; distance: number } | undefined;
  for (const candidate of candidates) {
    const distance = editDistance(name, candidate);
    if (distance * 3 <= name.length && distance < (best?.distance ?? Number.POSITIVE_INFINITY)) {
      best = { candidate, distance };
    }
  }
  return best?.candidate;
}

/** Letters to insert, delete or replace (Levenshtein 1966). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const above = row;
    row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replaced, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
  }
  return row[b.length] ?? 0;
}
