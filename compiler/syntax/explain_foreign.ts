// Syntax errors that are habits of another language: recognised by a few tokens around the error, answered with what Flow writes.
// Each function looks at one habit and gives undefined when the error is something else.

import { spanning } from '../support/span.ts';
import { absences, foreignStatements, importWords, typeFirstWords } from './foreign.ts';
import { explanation, type Explain, isOperandEnd, type Scene } from './scene.ts';
import * as t from './tokens.ts';
import type { Token } from './tokens.ts';

/** Source of the tokens from a place of the list up to (not including) another. */
function source(scene: Scene, tokens: readonly Token[]): string {
  const [first] = tokens;
  const end = tokens[tokens.length - 1];
  return first && end ? scene.file.text.slice(first.startOffset, end.endOffset + 1).replace(/\s+/g, ' ') : '';
}

/** `import numpy as np`, `from x import y`, `#include` of other languages. */
const imports: Explain = (scene) => {
  const first = scene.first();
  const second = scene.first(1);
  if (!first || !second || !importWords.has(first.image) || scene.surroundings() !== 'file') return undefined;
  if (!t.isName(second) && second.tokenType !== t.Str) return undefined;
  const help =
    'write `use std.optim { adam }` for the standard library, `use "./closure.flow" { stress }` for a file';
  return explanation(
    'S041',
    `names are brought in with \`use\`, not \`${first.image}\``,
    scene.spanOf(first),
    help,
  );
};

/** `use std.ode { * }`. */
const useAll: Explain = (scene) => {
  if (scene.word !== 'use' || scene.found?.image !== '*') return undefined;
  return explanation(
    'S041',
    'names are brought in one by one',
    scene.spanOf(scene.found),
    'write `use std.ode { rk4, euler }`',
  );
};

/** `if x > 0:` and an indented block. */
const colonBlock: Explain = (scene) => {
  const { found, before } = scene;
  if (found?.tokenType !== t.Colon) return undefined;
  const words = [
    'if',
    'for',
    'while',
    'fn',
    'else',
    'with',
    'pde',
    'ode',
    'sde',
    'run',
    'test',
    'layer',
    'loss',
    'boundary',
  ];
  if (!words.includes(scene.word) && before?.image !== 'else') return undefined;
  const next = scene.near(1);
  if (next && !next.firstOnLine && scene.word !== 'if' && scene.word !== 'for' && scene.word !== 'while')
    return undefined;
  return explanation(
    'S039',
    'a block is written in `{ }`, not with a colon and indentation',
    scene.spanOf(found),
    `write \`${[scene.word, source(scene, scene.tokens.slice(scene.site.start + 1, scene.site.index))].join(' ').trim()} { … }\``,
    true,
  );
};

/** `f(x, n = 4)`. */
const namedArgument: Explain = (scene) => {
  const { found, before } = scene;
  if (found?.tokenType !== t.Equals || !before || !t.isName(before)) return undefined;
  if (scene.within('args', 'argument')) {
    const help = `write \`${before.image}: ${nextValue(scene)}\``;
    return explanation(
      'S033',
      `a named argument is written with a colon: ${before.image}: …`,
      spanning(scene.spanOf(before), scene.spanOf(found)),
      help,
    );
  }
  if (scene.within('record', 'entry')) {
    const help = `write \`${before.image}: ${nextValue(scene)}\``;
    return explanation(
      'S035',
      'a record is written with colons',
      spanning(scene.spanOf(before), scene.spanOf(found)),
      help,
    );
  }
  return undefined;
};

/** The value behind the found token when it is one token long, else `…`. */
function nextValue(scene: Scene): string {
  const value = scene.near(1);
  const after = scene.near(2);
  const short =
    value &&
    (!after || after.tokenType === t.Comma || after.tokenType === t.RParen || after.tokenType === t.RBrace);
  return short ? value.image : '…';
}

/** `{ "a": 1 }`. */
const quotedName: Explain = (scene) => {
  const { found, before } = scene;
  if (found?.tokenType !== t.Colon || before?.tokenType !== t.Str || !scene.within('record', 'entry'))
    return undefined;
  const name = before.image.slice(1, -1);
  const help = /^[\p{L}_][\p{L}\p{Nd}_]*$/u.test(name) ? `write \`${name}: …\`` : 'write `name: …`';
  return explanation('S035', 'the names of a record have no quotes', scene.spanOf(before), help);
};

/** `{ a = 1, b = 2 }`: a block whose first assignment is followed by a comma. */
const recordWithEquals: Explain = (scene) => {
  const { found } = scene;
  if (found?.tokenType !== t.Comma || !scene.rules.includes('valueBlock') || scene.rule !== 'end')
    return undefined;
  const first = scene.first();
  if (!first || scene.first(1)?.tokenType !== t.Equals) return undefined;
  return explanation(
    'S035',
    'a record is written with colons',
    scene.spanOf(first),
    `write \`{ ${first.image}: …, … }\``,
  );
};

/** `if x = 1 {`, `while a = b`, `assert a = b`, `stop when a = b`. */
const comparison: Explain = (scene) => {
  const { found } = scene;
  if (found?.tokenType !== t.Equals) return undefined;
  const statements = [
    'ifStatement',
    'runIf',
    'ifExpression',
    'whileStatement',
    'runBlock',
    'statement',
    'runStatement',
  ];
  const conditional = ['if', 'while', 'assert', 'break', 'stop', 'region', 'return', 'yield'].includes(
    scene.word,
  );
  const inIf = scene.within('ifExpression', 'ifStatement', 'runIf', 'whileStatement', 'breakStatement');
  if (!inIf && !(conditional && (scene.rule === 'end' || statements.includes(scene.rule)))) {
    if (!scene.within('tuple', 'list', 'elements')) return undefined;
    return explanation('S034', '`=` defines or assigns; to compare write `==`', scene.spanOf(found));
  }
  const { before } = scene;
  const left = before && scene.near(-2) === scene.first() && t.isName(before) ? before.image : undefined;
  const help = left === undefined ? undefined : `write \`${left} == ${nextWord(scene)}\``;
  return explanation('S034', '`=` defines or assigns; to compare write `==`', scene.spanOf(found), help);
};

function nextWord(scene: Scene): string {
  const next = scene.near(1);
  return next && (t.isName(next) || next.tokenType === t.Num) ? next.image : '…';
}

/** `let x = y = 3`. */
const doubleDefinition: Explain = (scene) => {
  const { found } = scene;
  if (found?.tokenType !== t.Equals || scene.rule !== 'end') return undefined;
  const declares = [
    'let',
    'var',
    'const',
    'param',
    'data',
    'input',
    'state',
    'network',
    'loss',
    'fn',
    'monitor',
  ].includes(scene.word);
  const message = 'there is one `=` too many';
  const help = declares
    ? 'each name has a line of its own; to compare write `==`'
    : 'each assignment has a line of its own; to compare write `==`';
  return explanation('S034', message, scene.spanOf(found), help);
};

/** `event h == 0 { … }`, `boundary x.min { T == 300 }`, `dt(u) == v`. */
const equationWithComparison: Explain = (scene) => {
  if (!scene.within('equation')) return undefined;
  const event = scene.word === 'event';
  const equal = scene
    .statement()
    .find((token) => token.tokenType === t.Comparison && (event || token.image === '=='));
  if (!equal) return undefined;
  if (event) {
    const message = 'an event is an equation, with `rising` or `falling` behind it';
    return explanation('S071', message, scene.spanOf(equal), 'write `event h = 0 falling { … }`');
  }
  return explanation('S071', 'an equation is written with `=`; `==` compares', scene.spanOf(equal));
};

/** `for i = 0..n`, `for (i = 0; i < n; i++)`. */
const countingLoop: Explain = (scene) => {
  const { found, before } = scene;
  const loops =
    ['for'].includes(scene.word) ||
    scene.rules.includes('forExpression') ||
    scene.rules.includes('generators');
  if (!loops || !found) return undefined;
  if (found.tokenType === t.Equals && before && scene.within('generator', 'pattern')) {
    return explanation(
      'S036',
      'a loop is written with `in`',
      scene.spanOf(found),
      `write \`for ${before.image} in 0..n { … }\``,
    );
  }
  if (
    scene.word === 'for' &&
    scene.first(1)?.tokenType === t.LParen &&
    scene.within('pattern', 'generator')
  ) {
    const head = scene.statement().slice(2);
    const name =
      head.find((token) => token.tokenType === t.Name && !typeFirstWords.has(token.image))?.image ?? 'i';
    const over = head.findIndex((token) => token.image === 'of' || token.image === 'in');
    const list = head[over + 1];
    const range = over >= 0 && list && t.isName(list) ? list.image : '0..n';
    const help = `write \`for ${name} in ${range} { … }\``;
    return explanation('S036', 'a loop is written `for … in …`, without brackets', scene.spanOf(found), help);
  }
  if (found.image === 'of' && scene.within('generator')) {
    return explanation(
      'S036',
      'a loop is written with `in`',
      scene.spanOf(found),
      `write \`for ${before?.image ?? 'x'} in xs { … }\``,
    );
  }
  return undefined;
};

/** `[f(x) for x in xs if x > 0]`. */
const filter: Explain = (scene) => {
  if (scene.found?.image !== 'if') return undefined;
  const comprehension =
    scene.within('list', 'args', 'argument', 'generators') &&
    scene
      .statement()
      .some((token) => token.image === 'for' && token.startOffset < (scene.found?.startOffset ?? 0));
  if (!comprehension) return undefined;
  const help =
    'shapes are known at compile time; write `where(x > 0, f(x), 0)`, or count with `sum(if x > 0 then 1 else 0 for x in xs)`';
  return explanation('S037', 'a comprehension has no filter', scene.spanOf(scene.found), help);
};

/** `a if c else b`. */
const pythonConditional: Explain = (scene) => {
  if (scene.found?.image !== 'if' || !isOperandEnd(scene.before)) return undefined;
  const rest = scene.tokens.slice(scene.site.index, scene.site.end);
  const other = rest.findIndex((token) => token.image === 'else');
  if (other < 0) return undefined;
  const condition = source(scene, rest.slice(1, other));
  const shown = condition.length > 0 && condition.length < 30 ? condition : 'c';
  return explanation(
    'S032',
    'a conditional value is written `if c then a else b`',
    scene.spanOf(scene.found),
    `write \`if ${shown} then a else b\``,
  );
};

/** `if c { 1 } else { 2 }` as a value; `if c then x = 1` as a statement. */
const conditionalForms: Explain = (scene) => {
  const { found } = scene;
  if (!found) return undefined;
  if (
    scene.within('ifExpression') &&
    scene.isExpecting('then') &&
    (found.tokenType === t.LBrace || found.tokenType === t.LRecord)
  ) {
    return explanation(
      'S032',
      'a conditional value is written `if c then a else b`',
      scene.spanOf(found),
      'write `then` here; a branch of several lines is a block: `then { …; return a }`',
    );
  }
  if (scene.within('ifStatement', 'runIf', 'block', 'runBlock') && found.image === 'then') {
    return explanation(
      'S032',
      'an `if` that does something has braces',
      scene.spanOf(found),
      'write `if c { … } else { … }`; `if c then a else b` is a value',
    );
  }
  return undefined;
};

/** `x -> x^2`. */
const thinArrow: Explain = (scene) => {
  if (scene.found?.tokenType !== t.ThinArrow) return undefined;
  return explanation(
    'S031',
    'a function without a name is written with `=>`',
    scene.spanOf(scene.found),
    'write `x => x^2`; `->` stands only before the result type of a `fn`',
  );
};

/** `fn(x) => x^2`, `let f = fn x: …`. */
const anonymousFn: Explain = (scene) => {
  const { found } = scene;
  const bare = found?.image === 'fn' && !found.startsStatement && !isOperandEnd(scene.before);
  const unnamed = found?.tokenType === t.LParen && scene.before?.image === 'fn';
  if (!found || (!bare && !unnamed)) return undefined;
  if (unnamed && found.partner) {
    const after = scene.tokens[scene.tokens.indexOf(found.partner) + 1];
    if (after?.tokenType !== t.Arrow) return undefined;
  }
  const at = unnamed ? (scene.before ?? found) : found;
  return explanation(
    'S031',
    'a function without a name has no `fn`',
    scene.spanOf(at),
    'write `x => x^2` or `(x, y) => { …; return e }`',
  );
};

/** `a[1:3]`, `a[:, 0]`. */
const colonSlice: Explain = (scene) => {
  const { found } = scene;
  if (found?.tokenType !== t.Colon) return undefined;
  const open = scene.tokens
    .slice(0, scene.site.index)
    .findLast(
      (token) =>
        token.tokenType === t.LBracket && token.partner && token.partner.startOffset > found.startOffset,
    );
  if (!open) return undefined;
  const empty = scene.before === open || scene.before?.tokenType === t.Comma;
  const help = empty ? 'write `a[.., 0]` for all of an axis' : 'write `a[1..3]`; with a step `a[0..n by 2]`';
  return explanation('S044', 'a slice is written with `..`', scene.spanOf(found), help);
};

/** `int n = 3`, `const int n = 3`, `let mut x`. */
const typeFirst: Explain = (scene) => {
  const first = scene.first();
  const declared = first && ['let', 'const', 'var', 'param', 'input', 'data'].includes(first.image);
  const typed = declared ? scene.first(1) : first;
  const name = declared ? scene.first(2) : scene.first(1);
  if (!typed || !name || !t.isName(typed) || !t.isName(name) || !typeFirstWords.has(typed.image))
    return undefined;
  if (scene.found !== name) return undefined;
  const type = typeFirstWords.get(typed.image) ?? '';
  const keyword = typed.image === 'mut' ? 'var' : declared ? first.image : 'let';
  const annotated = type === '' ? '' : `: ${type}`;
  const message =
    type === '' ? `\`${typed.image}\` is no declaration` : 'the type of a name stands behind it';
  return explanation(
    'S042',
    message,
    scene.spanOf(typed),
    `write \`${keyword} ${name.image}${annotated} = …\`; the type may be left out`,
  );
};

/** `switch`, `try`, `class`, `end` and other words that begin statements elsewhere. */
const foreignStatement: Explain = (scene) => {
  const first = scene.first();
  const second = scene.first(1);
  if (!first || first.tokenType !== t.Name) return undefined;
  const instead = foreignStatements.get(first.image);
  if (instead === undefined) return undefined;
  if (second && [t.Equals, t.Update, t.Dot, t.LBracket, t.Comma].includes(second.tokenType)) return undefined;
  if (scene.found !== first && scene.found !== second && !scene.atEnd() && second?.tokenType !== t.LParen)
    return undefined;
  return explanation('S043', `there is no \`${first.image}\``, scene.spanOf(first), instead, true);
};

/** `x <- 3` of R. */
const leftArrow: Explain = (scene) => {
  const name = scene.first();
  const less = scene.first(1);
  const minus = scene.first(2);
  if (
    !name ||
    !t.isName(name) ||
    less?.image !== '<' ||
    minus?.image !== '-' ||
    less.endOffset + 1 !== minus.startOffset
  )
    return undefined;
  return explanation(
    'S010',
    '`<-` is written `=`',
    spanning(scene.spanOf(less), scene.spanOf(minus)),
    `a new name: \`let ${name.image} = …\``,
  );
};

/** `None`, `null`. */
const absence: Explain = (scene) => {
  const word = [scene.found, scene.before].find((token) => token !== undefined && absences.has(token.image));
  if (!word) return undefined;
  return explanation(
    'S040',
    `there is no \`${word.image}\``,
    scene.spanOf(word),
    'leave the argument out, or write the option word `none`',
  );
};

/** A `//` on the line whose second operand turned out to be prose. */
const slashComment: Explain = (scene) => {
  const { found, before } = scene;
  if (!found || !before) return undefined;
  const message = 'comments begin with `#`; `//` is the integer quotient';
  if (found.image === '//') return explanation('S012', message, scene.spanOf(found));
  const lineStart = scene.file.text.lastIndexOf('\n', found.startOffset - 1) + 1;
  const slashes = scene.tokens
    .slice(0, scene.site.index)
    .findLast((token) => token.image === '//' && token.startOffset >= lineStart);
  if (!slashes || !t.isName(found) || !isOperandEnd(before)) return undefined;
  return explanation('S012', 'comments begin with `#`; `//` is the integer quotient', scene.spanOf(slashes));
};

/** `0...n`: three points between two ends. */
const threePoints: Explain = (scene) => {
  const { found } = scene;
  if (found?.tokenType !== t.Spread) return undefined;
  return explanation(
    'S010',
    'a range is written with two points',
    scene.spanOf(found),
    'write `0..n`; `...` stands only in a record: `{ ...r, a: 2 }`',
  );
};

/** `[1, 2; 3, 4]`. */
const matrixRows: Explain = (scene) => {
  if (!scene.within('list', 'elements')) return undefined;
  const rest = scene.tokens.slice(scene.site.index);
  const end = rest.findIndex((token) => token.tokenType === t.RBracket || token.tokenType === t.LBracket);
  const semicolon = rest.slice(0, Math.max(end, 0)).find((token) => token.tokenType === t.Semicolon);
  if (!semicolon) return undefined;
  const message = 'the rows of a matrix are lists';
  return explanation('S046', message, scene.spanOf(semicolon), 'write `[[1, 2], [3, 4]]`');
};

/** In the order in which they are asked. */
export const foreignHabits: readonly Explain[] = [
  imports,
  useAll,
  slashComment,
  colonBlock,
  typeFirst,
  countingLoop,
  filter,
  pythonConditional,
  conditionalForms,
  namedArgument,
  quotedName,
  recordWithEquals,
  equationWithComparison,
  comparison,
  doubleDefinition,
  leftArrow,
  thinArrow,
  anonymousFn,
  colonSlice,
  threePoints,
  matrixRows,
  foreignStatement,
  absence,
];
