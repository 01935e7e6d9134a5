// What Chevrotain expected, kept as a plain word list in the error's message: sentences for the user are made in explain.ts from
// the tokens around the error. Nothing written here reaches the user.

import type { IParserErrorMessageProvider } from 'chevrotain';

/** Separates the names of expected tokens in the message of a recorded error. */
export const separator = '\u0000';

export const recordExpected: IParserErrorMessageProvider = {
  buildMismatchTokenMessage: ({ expected }) => expected.name,
  buildNotAllInputParsedMessage: () => '',
  buildNoViableAltMessage: ({ expectedPathsPerAlt }) =>
    [...new Set(expectedPathsPerAlt.flat().map((path) => path[0]?.name ?? ''))].join(separator),
  buildEarlyExitMessage: ({ expectedIterationPaths }) =>
    [...new Set(expectedIterationPaths.map((path) => path[0]?.name ?? ''))].join(separator),
};
