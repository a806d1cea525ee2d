import { InvalidInput } from './problem.ts';

/** The largest text that is read: far more than any scenario, far less than would stop the machine. */
export const MAX_TEXT_BYTES = 8 * 1024 * 1024;

/**
 * Parses JSON text.
 *
 * @throws InvalidInput for text that is too long or no JSON.
 */
export function parseJson(text: string): unknown {
  if (text.length > MAX_TEXT_BYTES) {
    throw new InvalidInput([{ path: '', message: `the text is longer than ${MAX_TEXT_BYTES} bytes` }]);
  }
  try {
    // An editor's mark of byte order is no part of the text.
    return JSON.parse(text.startsWith('\uFEFF') ? text.slice(1) : text);
  } catch (error) {
    // The parser's message may quote the input; one line of it is enough.
    const [reason] = (error as Error).message.split('\n');
    throw new InvalidInput([{ path: '', message: `this is not JSON: ${reason!.slice(0, 160)}` }]);
  }
}
