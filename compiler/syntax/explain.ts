// A syntax error -> one sentence in the user's words, its place, and what to write instead.
// The questions are asked in a fixed order (grammar.md, "Messages"): habits of other languages, reserved words as names, misspelt
// words, statements in the wrong kind of block, unfinished expressions, two values side by side, values that are not used,
// equations without `=`, missing commas and brackets; last, the full form of the statement. Chevrotain's own lists are never shown.

import { didYouMean } from '../support/did_you_mean.ts';
import { type SourceFile, spanning } from '../support/span.ts';
import { isCloser } from './brackets.ts';
import { axisForm, forms, homes, legalWords, optionForms, placeName } from './clauses.ts';
import { foreignHabits } from './explain_foreign.ts';
import type { Failure } from './failure.ts';
import type { Site } from './recover.ts';
import {
  beginsOperand,
  explanation,
  type Explain,
  type Explanation,
  isOperandEnd,
  quote,
  Scene,
} from './scene.ts';
import * as t from './tokens.ts';
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

/** Forms of expressions, by the rule that failed. */
const expressionForms: ReadonlyMap<string, string> = new Map([
  ['withExpression', 'with k = 2, net = w { return f() }'],
  ['forExpression', 'let xs = for i in 0..n { …; yield x }'],
  ['ifExpression', 'if c then a else b'],
  ['lambda', 'x => x^2, (x, y) => { …; return e }'],
  ['recordType', '{ x: real[n, 2], v: real[n, 2] }'],
]);

/** The full form of the statement the error is in. */
function formOf(scene: Scene): string | undefined {
  const own = expressionForms.get(scene.rule);
  if (own !== undefined) return own;
  if (scene.surroundings() === 'options' && optionForms.has(scene.word)) return optionForms.get(scene.word);
  if (scene.surroundings() === 'domain' && scene.word !== 'scale' && !scene.first()?.synthetic)
    return axisForm;
  return forms.get(scene.word);
}

function shape(form: string | undefined): string | undefined {
  return form === undefined ? undefined : `the form is: ${form}`;
}

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
const reservedName: Explain = (scene) => {
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
const missingName: Explain = (scene) => {
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
  ['whileStatement', ['limit']],
  ['generator', ['in']],
  ['index', ['by', 'wrap', 'clamp', 'else']],
  ['ifExpression', ['then', 'else']],
  ['fnItem', ['derivative', 'tangent']],
]);

/** Clause words that may stand behind a whole statement, by its first word. */
const trailingWords: ReadonlyMap<string, readonly string[]> = new Map([
  ['param', ['in', 'via', 'from']],
  ['network', ['from']],
  ['noise', ['on']],
  ['yield', ['every']],
  ['break', ['when']],
  ['minimize', ['batch', 'accumulate', 'steps', 'epochs', 'except']],
  ['plot', ['as']],
  ['animate', ['as']],
  ['fn', ['derivative', 'tangent']],
  ['state', ['on', 'at']],
]);

const axisWords = ['cells', 'nodes', 'chebyshev', 'mapped', 'periodic'];

/** `sate T = 1`, `minimize f ovre k`, `cels 64`. */
const misspelt: Explain = (scene) => {
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
const wrongPlace: Explain = (scene) => {
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

/** `a +` at the end of a line, `f(, a)`, `x = * 3`. */
const unfinished: Explain = (scene) => {
  const { found, before } = scene;
  if (
    !before ||
    !scene.within('primary', 'expression', 'operand', 'postfix', 'flat', 'targets', 'expressions')
  )
    return undefined;
  if (before.tokenType === t.Dot) {
    const shown = found && !scene.atEnd() ? `, not ${quote(found)}` : '';
    return explanation('S052', `a name is expected after \`.\`${shown}`, scene.open());
  }
  if (found && !scene.atEnd() && ['if', 'with', 'for'].includes(found.image) && found.tokenType !== t.Name) {
    return explanation(
      'S064',
      `\`${found.image}\` as an operand stands in brackets`,
      scene.spanOf(found),
      found.image === 'if'
        ? 'write `a + (if c then x else y)`'
        : 'write it in `( )`, or give it a name with `let`',
    );
  }
  const ends = scene.atEnd() || found?.tokenType === t.Comma;
  if (ends || !found) {
    const message = `a value is missing after ${quote(before)}`;
    return explanation('S060', message, scene.spanOf(before), missingHelp(scene, before));
  }
  if (t.isReserved(found.image) && t.isWord(found)) {
    return explanation(
      'S050',
      `\`${found.image}\` is a reserved word and cannot be a value`,
      scene.spanOf(found),
      missingHelp(scene, before),
    );
  }
  if (found.tokenType === t.Arrow) return undefined;
  return explanation(
    'S060',
    `a value is missing between ${quote(before)} and ${quote(found)}`,
    scene.spanOf(found),
    missingHelp(scene, before),
  );
};

function missingHelp(scene: Scene, before: Token): string | undefined {
  if (before.image === 'return') return 'write `return x`; a block that gives nothing needs no `return`';
  if (before.image === 'in') return 'write `0..n`, an array or a list';
  if (before.image === '=' && scene.first() && scene.before === scene.first(2)) return shape(formOf(scene));
  return undefined;
}

/** A hole that begins with what begins no value. */
const noValueInHole: Explain = (scene) => {
  if (scene.rules[0] !== 'hole' || scene.before || !scene.found) return undefined;
  const message = `a hole of a string holds a value, and none begins with ${quote(scene.found)}`;
  return explanation(
    'S008',
    message,
    scene.spanOf(scene.found),
    'write `"{x}"`, `"{nu, digits: 3}"`; a plain brace is `\\{`',
  );
};

/** `over` with nothing behind it, where the next clause word was read as a name. */
const emptyList: Explain = (scene) => {
  const { before } = scene;
  const above = scene.near(-2);
  if (!before) return undefined;
  if (above && t.isName(before) && scene.isExpecting(before.image)) {
    const message = `a name is missing between ${quote(above)} and ${quote(before)}`;
    return explanation('S060', message, scene.spanOf(before), shape(formOf(scene)));
  }
  if (!scene.within('targets', 'expressions') || !scene.atEnd()) return undefined;
  return explanation(
    'S060',
    `a name is missing after ${quote(before)}`,
    scene.spanOf(before),
    shape(formOf(scene)),
  );
};

/** `if c then a` without `else`. */
const missingElse: Explain = (scene) => {
  if (!scene.within('ifExpression') || !scene.isExpecting('else')) return undefined;
  if (!scene.atEnd() && scene.found?.tokenType !== t.Comma) return undefined;
  return explanation(
    'S063',
    'a conditional value needs its `else`',
    scene.open(),
    'write `if c then a else b`',
  );
};

/** `- k*u` that begins a line and was meant to continue the one above. */
const leadingSign: Explain = (scene) => {
  const first = scene.first();
  if (first?.tokenType !== t.LeadingSign) return undefined;
  if (!scene.within('assignStatement') && scene.found !== first) return undefined;
  const message = `a line that begins with \`${first.image}\` continues the one above only if it is indented deeper`;
  return explanation(
    'S062',
    message,
    scene.spanOf(first),
    `indent it, or end the line above with \`${first.image}\``,
  );
};

/** `{ x }` where a value is expected. */
const bareBlock: Explain = (scene) => {
  if (
    scene.found?.tokenType !== t.RBrace ||
    !scene.within('assignStatement') ||
    !scene.rules.includes('block')
  )
    return undefined;
  const open = scene.found.partner;
  const inside = open ? scene.tokens.slice(scene.tokens.indexOf(open) + 1, scene.site.index) : [];
  const path =
    inside.length > 0 &&
    inside.every((token, i) => (i % 2 === 0 ? t.isWord(token) : token.tokenType === t.Dot));
  if (!path || !open) return undefined;
  const text = inside.map((token) => token.image).join('');
  const name = inside[inside.length - 1]?.image ?? 'x';
  const ofFunction = scene.rules.includes('definition') && !scene.rules.includes('valueBlock');
  const help = ofFunction
    ? `write \`= ${text}\`, or \`{ return ${text} }\``
    : `write \`${text}\`, or \`{ ${name}: ${text} }\` for a record`;
  return explanation(
    'S067',
    `\`{ ${text} }\` is neither a block nor a record`,
    spanning(scene.spanOf(open), scene.spanOf(scene.found)),
    help,
  );
};

/** `f(x)` as a statement. */
const unused: Explain = (scene) => {
  if (!scene.within('assignStatement') || !scene.isExpecting('=')) return undefined;
  const first = scene.first();
  if (!first || !scene.atEnd() || !scene.before) return undefined;
  const span = spanning(scene.spanOf(first), scene.spanOf(scene.before));
  const where = scene.surroundings();
  const near = didYouMean(first.image, legalWords[where]);
  if (near !== undefined && scene.before === first) {
    return explanation(
      'S051',
      `\`${first.image}\` is not known here; did you mean \`${near}\`?`,
      scene.spanOf(first),
      forms.get(near),
    );
  }
  const printing = /^(print|puts|echo|display|disp|show|write|printf|println|console|log)/.test(first.image);
  const help =
    where === 'run'
      ? printing
        ? 'write `print x, "text {y}"`'
        : 'give it a name: `let y = …`, or show it: `print …`'
      : printing
        ? '`print` stands in a run; in a function nothing is printed'
        : scene.found?.tokenType === t.RBrace
          ? 'write `return` before it if it is the value of the block'
          : 'functions have no effects: give the value a name with `let`, or return it';
  return explanation('S062', 'the value of this expression is not used', span, help);
};

/** `dt(T) + lap(T)` in a model. */
const noEquals: Explain = (scene) => {
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
const missingValue: Explain = (scene) => {
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
const wrongClause: Explain = (scene) => {
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

/** `a b`, `2 x`, two statements on one line. */
const sideBySide: Explain = (scene) => {
  const { found, before } = scene;
  if (!found || !before || !scene.sameLine() || !isOperandEnd(before) || !beginsOperand(found))
    return undefined;
  const listed = scene.within('args', 'argument', 'list', 'tuple', 'elements', 'index', 'record', 'entry');
  const ended = scene.rule === 'end' || scene.within('assignStatement', 'equation', 'hole');
  if (!listed && !ended) return undefined;
  const missing = listed
    ? 'an operator or a comma'
    : scene.within('hole')
      ? 'an operator'
      : 'an operator (or a new line, or `;`)';
  const next = scene.near(1)?.tokenType;
  const called = next === t.LParen && !scene.near(1)?.firstOnLine ? '(…)' : '';
  const factor =
    t.isName(found) && (t.isName(before) || before.tokenType === t.Num || before.tokenType === t.RParen);
  const left = before.tokenType === t.RParen ? '(…)' : before.image;
  const product = `for a product write \`${left}*${found.image}${called}\``;
  const help = scene.within('hole')
    ? 'options of a hole stand behind commas: `"{nu, digits: 3}"`'
    : next === t.Equals || next === t.Colon
      ? `write \`,\` before ${quote(found)}, or begin a new line`
      : scene.word !== 'fn' && trailingWords.has(scene.word) && scene.rule === 'end' && called === ''
        ? shape(formOf(scene))
        : factor && t.isName(before) && called === ''
          ? `${product}, for a call \`${left}(${found.image})\``
          : factor
            ? product
            : undefined;
  return explanation(
    'S061',
    `${missing} is missing between ${quote(before)} and ${quote(found)}`,
    scene.spanOf(found),
    help,
  );
};

/** A `,` or a closing bracket is missing. */
const openList: Explain = (scene) => {
  const { found, before } = scene;
  const closers: ReadonlyMap<string, string> = new Map([
    ['args', ')'],
    ['argument', ')'],
    ['tuple', ')'],
    ['params', ')'],
    ['list', ']'],
    ['elements', ']'],
    ['index', ']'],
    ['indexEntry', ']'],
    ['record', '}'],
    ['entry', '}'],
  ]);
  const close = closers.get(scene.rule);
  if (!before) return undefined;
  if (
    scene.within('indexEntry', 'index') &&
    before.tokenType === t.LBracket &&
    found?.tokenType === t.RBracket
  ) {
    return explanation(
      'S060',
      'an index is missing between `[` and `]`',
      spanning(scene.spanOf(before), scene.spanOf(found)),
      'write `a[i]`, `a[..]` for all, `a[0..n by 2]` for a slice',
    );
  }
  if (!close || !found) return undefined;
  if (found.tokenType === t.Equals) return undefined;
  if (found.tokenType === t.Comma) {
    return explanation('S060', `a value is missing between ${quote(before)} and \`,\``, scene.spanOf(found));
  }
  return explanation(
    'S070',
    `\`,\` or \`${close}\` is expected after ${quote(before)}, not ${quote(found)}`,
    scene.spanOf(found),
  );
};

/** The statement is whole and something that cannot be follows on its line. */
const afterStatement: Explain = (scene) => {
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
const missingBody: Explain = (scene) => {
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
const missingClause: Explain = (scene) => {
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
const twoStatements: Explain = (scene) => {
  const { found, before } = scene;
  if (!found || !before || !scene.sameLine() || !t.isReserved(found.image) || !forms.has(found.image))
    return undefined;
  if (!scene.within('assignStatement', 'equation') || !isOperandEnd(before)) return undefined;
  return explanation('S061', `a new line (or \`;\`) is missing before ${quote(found)}`, scene.spanOf(found));
};

/** A statement that begins with what begins none. */
const noStatement: Explain = (scene) => {
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

const questions: readonly Explain[] = [
  leadingSign,
  bareBlock,
  wrongClause,
  reservedName,
  misspelt,
  wrongPlace,
  missingElse,
  noValueInHole,
  emptyList,
  unfinished,
  missingName,
  missingValue,
  unused,
  noEquals,
  sideBySide,
  openList,
  afterStatement,
  twoStatements,
  noStatement,
  missingBody,
  missingClause,
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
