// Chevrotain's lookahead, worked out where it is needed. Chevrotain analyses every decision of the grammar when a parser is made; a program meets about half of them, and many programs few. Here
// each decision is analysed when the parser comes to it first. What is decided is Chevrotain's own.

import { LLkLookaheadStrategy, type BaseParser, type IOrAlt } from 'chevrotain';

type Strategy = InstanceType<typeof LLkLookaheadStrategy>;
type OrQuestion = Parameters<Strategy['buildLookaheadForAlternation']>[0];
type OptionalQuestion = Parameters<Strategy['buildLookaheadForOptional']>[0];

export class LateLookahead extends LLkLookaheadStrategy {
  override buildLookaheadForAlternation(
    question: OrQuestion,
  ): (this: BaseParser, alternatives?: IOrAlt<unknown>[]) => number | undefined {
    const analyse = () => super.buildLookaheadForAlternation(question);
    let decide: ReturnType<typeof analyse> | undefined;
    return function (alternatives) {
      decide ??= analyse();
      return decide.call(this, alternatives);
    };
  }

  override buildLookaheadForOptional(question: OptionalQuestion): (this: BaseParser) => boolean {
    const analyse = () => super.buildLookaheadForOptional(question);
    let decide: ReturnType<typeof analyse> | undefined;
    return function () {
      decide ??= analyse();
      return decide.call(this);
    };
  }
}
