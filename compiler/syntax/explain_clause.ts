// Syntax errors of statements and their clauses: names that are missing or reserved, misspelt words, statements in the wrong kind
// of block, equations without `=`, clauses that are missing or out of order.

import { didYouMean } from '../support/did_you_mean.ts';
import { isCloser } from './brackets.ts';
import { formOf, shape } from './clause_forms.ts';
import { forms, homes, legalWords, optionForms, placeName, trailingWords } from './clauses.ts';
import { beginsOperand, explanation, type Explain, isOperandEnd, quote } from './scene.ts';
import * as t from './tokens.ts';

/** Rules in which a name is declared or referred to. */
const naming: ReadonlySet<string> = new Set([
  ...[
    'letStatement',
    'pattern',
    'param',
    'params',
    'path',
    'place',
    'usedName',
    'axis',
    'stateEntry',
    'noiseEntry',
  ],
  ...[
    'fnItem',
    'declarationItem',
    'lossItem',
    'modelItem',
    'domainItem',
    'layerItem',
    'typeItem',
    'fieldItem',
  ],
  ...['monitorStatement', 'regionItem', 'generator', 'precisionItem'],
]);

/** `let for = 3`. */
export const reservedName: Explain = (scene) => {
  const { found } = scene;
  if (!found || !t.isReserved(found.image) || !t.isWord(found)) return undefined;
  const named = naming.has(scene.rule) && (scene.isExpecting('Name') || scene.within('params'));
  if (!named || found.startsStatement) return undefined;
  return explanation(
    'S050',
    `\`${found.image}\` is a reserved word and cannot be a name`,
    scene.spanOf(found),
    `write another name, \`${found.image}_\` for example`,
  );
};

/** `fn (x) = x`, `let = 3`, `pde on plate`. */
export const missingName: Explain = (scene) => {
  const { found, before } = scene;
  if (!before || !(scene.isExpecting('Name') || scene.isExpecting('AnyWord'))) return undefined;
  const type = scene.within('typeExpression', 'typeCore');
  if (!naming.has(scene.rule) && !type && before.tokenType !== t.Dot) return undefined;
  const shown = found && !scene.atEnd() ? `, not ${quote(found)}` : '';
  const message = `${type ? 'a type' : 'a name'} is expected after ${quote(before)}${shown}`;
  return explanation('S052', message, scene.open(), shape(formOf(scene)));
};

/** Clause words that may follow in the rule that failed. */
const clauseWords: ReadonlyMap<string, readonly string[]> = new Map([
  ['goal', ['over', 'except']],
  ['minimizeStatement', ['subject', 'using', 'except']],
  ['playStatement', ['using']],
  ['method', ['using', 'batch', 'accumulate', 'steps', 'epochs']],
  ['minimizeOption', ['every', 'when', 'best']],
  ['checkStatement', ['gradient', 'order', 'over', 'using', 'of']],
  ['plotStatement', ['as']],
  ['regionItem', ['on']],
  ['modelItem', ['on']],
  ['eventClause', ['rising', 'falling', 'as', 'at']],
  ['crossing', ['rising', 'falling']],
  ['whileStatement', ['limit', 'quietly']],
  ['generator', ['in']],
  ['index', ['by', 'wrap', 'clamp', 'else']],
  ['ifExpression', ['then', 'else']],
  ['fnItem', ['derivative', 'tangent']],
]);

const axisWords = ['cells', 'nodes', 'chebyshev', 'mapped', 'periodic'];

/** `sate T = 1`, `minimize f ovre k`, `cels 64`. */
export const misspelt: Explain = (scene) => {
  const { found, before } = scene;
  const first = scene.first();
  // the first word of the statement
  const startsStatement =
    first && t.isName(first) && (found === first || (before === first && scene.sameLine()));
  if (startsStatement && !forms.has(first.image)) {
    const second = scene.first(1);
    const called =
      second?.tokenType === t.LParen || second?.tokenType === t.Equals || second?.tokenType === t.Update;
    const word =
      called && found !== first ? undefined : didYouMean(first.image, legalWords[scene.surroundings()]);
    if (word !== undefined && second && !(found === first && called)) {
      return explanation(
        'S051',
        `\`${first.image}\` is not known here; did you mean \`${word}\`?`,
        scene.spanOf(first),
        shape(
          scene.surroundings() === 'options' ? (optionForms.get(word) ?? forms.get(word)) : forms.get(word),
        ),
      );
    }
  }
  // a clause word
  if (!found || !t.isName(found) || !isOperandEnd(before)) return undefined;
  const axis = scene.surroundings() === 'domain';
  const words = axis
    ? axisWords
    : [
        ...(clauseWords.get(scene.rule) ?? []),
        ...(scene.rule === 'end' ? (trailingWords.get(scene.word) ?? []) : []),
      ];
  const word = didYouMean(found.image, words);
  if (word === undefined) return undefined;
  const form = formOf(scene);
  return explanation(
    'S051',
    `\`${found.image}\` is not known here; did you mean \`${word}\`?`,
    scene.spanOf(found),
    shape(form),
  );
};

/** `return` in a run, `minimize` in a function, `x = 3` at the top of a file. */
export const wrongPlace: Explain = (scene) => {
  const first = scene.first();
  const second = scene.first(1);
  if (!first || !second) return undefined;
  const where = scene.surroundings();
  if (legalWords[where].includes(first.image)) return undefined;
  const atStart = scene.found === first || scene.before === first;
  const home = homes.get(first.image);
  const assigned =
    second.tokenType === t.Equals || second.tokenType === t.Update || second.tokenType === t.Dot;
  if (atStart && home !== undefined && !assigned && t.isWord(first)) {
    return explanation(
      'S076',
      `\`${first.image}\` cannot stand ${placeName[where]}`,
      scene.spanOf(first),
      home,
      where === 'file',
    );
  }
  if (where !== 'file' || scene.found !== first) return undefined;
  if (['dt', 'd', 'dtt', 'lap', 'div'].includes(first.image) && second.tokenType === t.LParen) {
    return explanation(
      'S076',
      'an equation cannot stand at the top of a file',
      scene.spanOf(first),
      'it belongs in a model: `ode ball { state h = 10.0; dt(h) = -1 }`',
    );
  }
  if (assigned && t.isName(first)) {
    return explanation(
      'S076',
      'an assignment cannot stand at the top of a file',
      scene.spanOf(first),
      `declare the name: \`let ${first.image} = …\`, \`const\` for compile time, \`param\` for what is trained`,
    );
  }
  if (t.isName(first) && second.tokenType === t.Colon) {
    return explanation(
      'S076',
      `this declares nothing`,
      scene.spanOf(first),
      `write \`let ${first.image}: real = …\``,
    );
  }
  return undefined;
};

/** `dt(T) + lap(T)` in a model. */
export const noEquals: Explain = (scene) => {
  if (!scene.within('equation') || !scene.isExpecting('=') || !scene.before) return undefined;
  const first = scene.first();
  if (scene.found?.tokenType === t.Update) {
    return explanation(
      'S071',
      `an equation has no \`${scene.found.image}\``,
      scene.spanOf(scene.found),
      'an equation holds at all times: `dt(u) = …`',
    );
  }
  if (!scene.atEnd() && scene.found?.tokenType !== t.LBrace && scene.found?.tokenType !== t.LRecord)
    return undefined;
  const where = scene.surroundings();
  if (first && scene.word === 'event') {
    return explanation(
      'S071',
      'an event needs an equation',
      scene.behind(scene.before),
      `the form is: ${forms.get('event') ?? ''}`,
    );
  }
  const home = homes.get(scene.word);
  if (home !== undefined && first && t.isReserved(scene.word)) {
    return explanation(
      'S076',
      `\`${scene.word}\` cannot stand ${placeName[where]}`,
      scene.spanOf(first),
      home,
    );
  }
  const label = scene.first(1)?.tokenType === t.Colon;
  const help = label
    ? `a condition is written with \`=\`: \`${first?.image ?? 'T'} = …\``
    : where === 'boundary'
      ? 'write `T = 300` or `dn(T) = 0`'
      : 'write `… = 0` if there is nothing on the other side';
  return explanation('S071', 'an equation needs `=` and a right side', scene.behind(scene.before), help);
};

/** `let x` without a value. */
export const missingValue: Explain = (scene) => {
  const { found, before } = scene;
  if (!before || !scene.isExpecting('=')) return undefined;
  if (found?.tokenType === t.Comma && scene.within('declarationItem', 'letStatement')) {
    const message = `each \`${scene.word}\` declares one name`;
    return explanation('S072', message, scene.spanOf(found), shape(formOf(scene)));
  }
  if (
    !scene.within(
      'letStatement',
      'declarationItem',
      'monitorStatement',
      'regionItem',
      'typeItem',
      'fieldItem',
    )
  )
    return undefined;
  const name = scene.first(1)?.image ?? 'x';
  const clause = found && ['in', 'via', 'from'].includes(found.image);
  if (!scene.atEnd() && !clause && !(found && beginsOperand(found))) return undefined;
  if (found && beginsOperand(found) && scene.sameLine()) {
    return explanation(
      'S072',
      `\`=\` is missing between ${quote(before)} and ${quote(found)}`,
      scene.spanOf(found),
      `the form is: ${formOf(scene) ?? 'let x = 1.0'}`,
    );
  }
  const what = scene.word === 'type' ? 'a type' : clause ? 'a first value' : 'a value';
  return explanation(
    'S072',
    `\`${scene.word} ${name}\` needs ${what}`,
    scene.open(),
    `the form is: ${formOf(scene) ?? 'let x = 1.0'}`,
  );
};

/** `check misfit over k`: what follows the first word is not what its form wants. */
export const wrongClause: Explain = (scene) => {
  const { found, before } = scene;
  const first = scene.first();
  const where = scene.surroundings();
  if (!found || !first || !t.isWord(first) || !legalWords[where].includes(first.image)) return undefined;
  // `plot: k` is read as a label
  const colon = scene.first(1);
  const labelled = colon?.tokenType === t.Colon && scene.rule !== 'axis';
  if (!labelled && (before !== first || scene.atEnd() || !scene.within('assignStatement', 'equation')))
    return undefined;
  const wrong = labelled ? colon : found;
  const message = `${quote(wrong)} cannot follow ${quote(first)} here`;
  return explanation('S075', message, scene.spanOf(wrong), shape(formOf(scene)));
};

/** The statement is whole and something that cannot be follows on its line. */
export const afterStatement: Explain = (scene) => {
  const { found, before } = scene;
  if (!found || !before || scene.rule !== 'end') return undefined;
  if (found.tokenType === t.Comma) {
    return explanation(
      'S079',
      'a `,` cannot stand here',
      scene.spanOf(found),
      'statements are separated by new lines or `;`',
    );
  }
  if (forms.has(found.image) && t.isWord(found) && found.image !== 'else') {
    const message = `a new line (or \`;\`) is missing before ${quote(found)}`;
    return explanation('S061', message, scene.spanOf(found));
  }
  if (found.tokenType === t.Arrow) {
    return explanation(
      'S064',
      'a function as an operand stands in brackets',
      scene.spanOf(found),
      'write `(x => x^2)`; several parameters are `(x, y) => x*y`',
    );
  }
  if (found.image === 'else') {
    return explanation(
      'S032',
      '`else` belongs to no `if`',
      scene.spanOf(found),
      'a value: `if c then a else b`; a statement: `if c { … } else { … }`',
    );
  }
  const form = formOf(scene);
  return explanation(
    'S079',
    `${quote(found)} cannot follow ${quote(before)} here`,
    scene.spanOf(found),
    shape(form),
  );
};

/** `fn f(x)` and an indented line below: the body is not marked as one. */
export const missingBody: Explain = (scene) => {
  const { found, before } = scene;
  const first = scene.first();
  if (!before || !first || !scene.atEnd() || !(scene.isExpecting('{') || scene.isExpecting('=')))
    return undefined;
  if (!bodied.has(first.image)) return undefined;
  const below = found?.firstOnLine === true && found.column > first.column;
  const message = `this \`${first.image}\` has no body`;
  return explanation('S075', message, scene.behind(before), shape(formOf(scene)), below);
};

/** Statements that end in a block. */
const bodied: ReadonlySet<string> = new Set([
  ...[
    'fn',
    'layer',
    'pde',
    'ode',
    'sde',
    'loss',
    'test',
    'run',
    'domain',
    'for',
    'while',
    'if',
    'boundary',
    'event',
    'call',
  ],
]);

/** A clause is missing: its statement's full form is shown. */
export const missingClause: Explain = (scene) => {
  const { found, before } = scene;
  if (!before) return undefined;
  const form = found?.tokenType === t.Comma ? undefined : formOf(scene);
  const [only] = scene.expected;
  if (form === undefined || only === undefined) return undefined;
  const wanted: ReadonlyMap<string, string> = new Map([
    ['{', '`{`'],
    ['{ of a record', '`{`'],
    ['}', '`}`'],
    ['(', '`(`'],
    [')', '`)`'],
    ['=', '`=`'],
    [':', '`:`'],
    ['=>', 'a function `x => …`'],
    ['String', 'a string'],
    ['Name', 'a name'],
  ]);
  const words = [...scene.expected].map(
    (name) => wanted.get(name) ?? (/^[a-z]+$/.test(name) ? `\`${name}\`` : undefined),
  );
  if (words.some((w) => w === undefined) || words.length > 2) {
    return explanation(
      'S075',
      `${found && !scene.atEnd() ? `${quote(found)} cannot stand here` : `this \`${scene.word}\` is not complete`}`,
      scene.open(),
      `the form is: ${form}`,
    );
  }
  const expected = [...new Set(words)].join(' or ');
  const instead = found && !scene.atEnd() ? `, not ${quote(found)}` : '';
  return explanation(
    'S075',
    `${expected} is expected after ${quote(before)}${instead}`,
    scene.open(),
    `the form is: ${form}`,
  );
};

/** `n return y`: two statements on one line. */
export const twoStatements: Explain = (scene) => {
  const { found, before } = scene;
  if (!found || !before || !scene.sameLine() || !t.isReserved(found.image) || !forms.has(found.image))
    return undefined;
  if (!scene.within('assignStatement', 'equation') || !isOperandEnd(before)) return undefined;
  return explanation('S061', `a new line (or \`;\`) is missing before ${quote(found)}`, scene.spanOf(found));
};

/** A statement that begins with what begins none. */
export const noStatement: Explain = (scene) => {
  const { found } = scene;
  if (!found || found !== scene.first()) return undefined;
  const where = scene.surroundings();
  const legal = legalWords[where];
  const words =
    legal.length > 0 && legal.length < 8
      ? `; ${placeName[where].replace(/^in /, '')} holds ${legal.map((w) => `\`${w}\``).join(', ')}`
      : '';
  if (where === 'file') {
    const near = t.isName(found) ? didYouMean(found.image, legal) : undefined;
    const help = near
      ? `did you mean \`${near}\`?`
      : 'a file holds declarations: `const`, `param`, `domain`, `fn`, `pde`, `let`, `loss`, `run` …';
    return explanation('S079', `nothing begins with ${quote(found)}`, scene.spanOf(found), help, true);
  }
  if (isCloser(found)) return undefined;
  return explanation('S079', `no statement begins with ${quote(found)}${words}`, scene.spanOf(found));
};
