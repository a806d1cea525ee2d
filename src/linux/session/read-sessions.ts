import {
  InvalidInput,
  parseJson,
  prefixProblems,
  readTextFile,
  standardInputLines,
} from '../../input/index.ts';
import type { SessionPlace } from './comparison.ts';
import { decodeSession } from './decode-session.ts';
import type { HostSession } from './host-session.ts';

/** A session of a text, or the problems in it. */
export interface ReadSession {
  /** The line that the session begins in, from 1. */
  readonly line: number;
  readonly session: HostSession | InvalidInput;
}

/** Reads the session in one line. @param line its number, from 1 */
export function readSession(text: string, line: number): ReadSession {
  try {
    return { line, session: decodeSession(parseJson(text)) };
  } catch (error) {
    if (error instanceof InvalidInput) return { line, session: error };
    throw error;
  }
}

/** Every session in a text: one a line, or a single one that is spread over several lines. */
export function readSessions(text: string): ReadSession[] {
  const lines = text.split('\n').map((content, index) => ({ content, line: index + 1 }));
  const filled = lines.filter(({ content }) => content.trim() !== '');
  if (isSpread(filled.map(({ content }) => content))) return [readSession(text, filled[0]!.line)];
  return filled.map(({ content, line }) => readSession(content, line));
}

/** Whether a text is one object over several lines: its first line opens the object and does not close it. */
const isSpread = (lines: readonly string[]): boolean =>
  lines.length > 1 &&
  /^[\uFEFF]?\s*\{\s*("[^"]*":.*,?)?\s*$/.test(lines[0]!) &&
  !lines[0]!.trimEnd().endsWith('}');

/** A session of the user's input. */
export interface SessionInput {
  /** The file and the line, or the line of standard input. */
  readonly name: string;
  readonly session: HostSession | InvalidInput;
  /** Where the session stands; `undefined` for one of standard input. */
  readonly place: SessionPlace | undefined;
}

/**
 * The sessions of a file, or those of standard input, each as soon as its line arrives.
 *
 * @param file the path of a file; `-` is standard input
 * @param signal ends the sessions of standard input when it is aborted
 * @throws InvalidInput when the file or standard input cannot be read
 */
export async function* sessionInputs(file: string, signal?: AbortSignal): AsyncGenerator<SessionInput> {
  if (file !== '-') {
    const text = prefixProblems(file, () => readTextFile(file));
    for (const { line, session } of readSessions(text))
      yield { name: `${file}: line ${line}`, session, place: { file, line } };
    return;
  }
  let line = 0;
  for await (const text of standardInputLines(signal)) {
    line++;
    if (text.trim() !== '')
      yield { name: `line ${line}`, session: readSession(text, line).session, place: undefined };
  }
}
