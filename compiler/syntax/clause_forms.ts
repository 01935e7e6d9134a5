// The full form of the statement or expression an error is in, for the help of its message.

import { axisForm, forms, optionForms } from './clauses.ts';
import type { Scene } from './scene.ts';

/** Forms of expressions, by the rule that failed. */
const expressionForms: ReadonlyMap<string, string> = new Map([
  ['withExpression', 'with k = 2, net = w { return f() }'],
  ['forExpression', 'let xs = for i in 0..n { …; yield x }'],
  ['ifExpression', 'if c then a else b'],
  ['lambda', 'x => x^2, (x, y) => { …; return e }'],
  ['recordType', '{ x: real[n, 2], v: real[n, 2] }'],
]);

/** The full form of the statement the error is in. */
export function formOf(scene: Scene): string | undefined {
  const own = expressionForms.get(scene.rule);
  if (own !== undefined) return own;
  if (scene.surroundings() === 'options' && optionForms.has(scene.word)) return optionForms.get(scene.word);
  if (scene.surroundings() === 'domain' && scene.word !== 'scale' && !scene.first()?.synthetic)
    return axisForm;
  return forms.get(scene.word);
}

export function shape(form: string | undefined): string | undefined {
  return form === undefined ? undefined : `the form is: ${form}`;
}
