// Syntax errors inside expressions: unfinished ones, two values side by side, lists that do not end, values that nothing uses.

import { didYouMean } from '../support/did_you_mean.ts';
import { spanning } from '../support/span.ts';
import { formOf, shape } from './clause_forms.ts';
import { forms, legalWords, trailingWords } from './clauses.ts';
import { beginsOperand, explanation, type Explain, isOperandEnd, quote, type Scene } from './scene.ts';
import * as t from './tokens.ts';
import type { Token } from './tokens.ts';

/** `a +` at the end of a line, `f(, a)`, `x = * 3`. */
export const unfinished: Explain = (scene) => {
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
export const noValueInHole: Explain = (scene) => {
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
export const emptyList: Explain = (scene) => {
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
export const missingElse: Explain = (scene) => {
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
export const leadingSign: Explain = (scene) => {
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
export const bareBlock: Explain = (scene) => {
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
export const unused: Explain = (scene) => {
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

/** `a b`, `2 x`, two statements on one line. */
export const sideBySide: Explain = (scene) => {
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
export const openList: Explain = (scene) => {
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
