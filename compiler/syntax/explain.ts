// A syntax error -> one sentence in the user's words, its place, and what to write instead.
// The questions are asked in a fixed order (grammar.md, "Messages"): habits of other languages, reserved words as names, misspelt
// words, statements in the wrong kind of block, unfinished expressions, two values side by side, values that are not used,
// equations without `=`, missing commas and brackets; last, the full form of the statement. Chevrotain's own lists are never shown.

import type { SourceFile } from '../support/span.ts';
import * as clause from './explain_clause.ts';
import * as value from './explain_expression.ts';
import { foreignHabits } from './explain_foreign.ts';
import type { Failure } from './failure.ts';
import type { Site } from './recover.ts';
import { explanation, type Explain, type Explanation, quote, Scene } from './scene.ts';
import type { Token } from './tokens.ts';

export type { Explanation } from './scene.ts';

/** Explains why the token at `site` could not be. */
export function explain(
  file: SourceFile,
  tokens: readonly Token[],
  site: Site,
  failure: Failure,
): Explanation {
  const scene = new Scene(file, tokens, site, failure);
  for (const ask of [...foreignHabits, ...questions]) {
    const answer = ask(scene);
    if (answer) return answer;
  }
  return fallback(scene);
}

const questions: readonly Explain[] = [
  value.leadingSign,
  value.bareBlock,
  clause.wrongClause,
  clause.reservedName,
  clause.misspelt,
  clause.wrongPlace,
  value.missingElse,
  value.noValueInHole,
  value.emptyList,
  value.unfinished,
  clause.missingName,
  clause.missingValue,
  value.unused,
  clause.noEquals,
  value.sideBySide,
  value.openList,
  clause.afterStatement,
  clause.twoStatements,
  clause.noStatement,
  clause.missingBody,
  clause.missingClause,
];

function fallback(scene: Scene): Explanation {
  const { found, before } = scene;
  if (found && !scene.atEnd())
    return explanation('S079', `${quote(found)} cannot stand here`, scene.spanOf(found));
  return explanation(
    'S079',
    before ? `something is missing after ${quote(before)}` : 'something is missing',
    scene.open(),
  );
}
