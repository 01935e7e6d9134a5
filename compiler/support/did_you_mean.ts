// "Did you mean": the known word nearest to a misspelt one, by the Damerau-Levenshtein distance in its restricted form (optimal
// string alignment: insert, delete, replace, swap two neighbours, each at cost 1).
// A word is offered only when its distance is at most a third of the length, so that short names are not guessed wildly.

import { at } from './lists.ts';

/** The optimal string alignment distance, in UTF-16 units. */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(at(previous, j) + 1, at(current, j - 1) + 1, at(previous, j - 1) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, at(before, j - 2) + 1);
      current.push(best);
    }
    before = previous;
    previous = current;
  }
  return at(previous, b.length);
}

/**
 * The candidate nearest to `word`, or undefined when none is near: a distance of at most a third of the longer length (at least 1
 * for words of two letters or more). Differences of case alone count as near. Ties go to the earlier candidate.
 */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length < 2) return undefined;
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const candidate of candidates) {
    if (candidate === word || candidate.length < 2) continue;
    const sameButCase = candidate.toLowerCase() === word.toLowerCase();
    const limit = Math.max(1, Math.floor(Math.max(word.length, candidate.length) / 3));
    if (Math.abs(candidate.length - word.length) > limit) continue;
    const distance = sameButCase ? 0.5 : editDistance(word, candidate);
    if (distance <= limit && distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}
