import { InvalidInput } from './problem.ts';

/** The largest text that is read, in bytes: 8 MiB. No scenario comes near it, and it fits into memory. */
export const MAX_TEXT_BYTES = 8 * 1024 * 1024;

/**
 * Parses JSON text.
 *
 * @throws InvalidInput for text that is too long or is not JSON.
 */
export function parseJson(text: string): unknown {
  if (Buffer.byteLength(text) > MAX_TEXT_BYTES) {
    throw new InvalidInput([{ path: '', message: `the text is longer than ${MAX_TEXT_BYTES} bytes` }]);
  }
  try {
    // Some editors begin a file with a byte order mark, which JSON.parse refuses.
    return JSON.parse(text.startsWith('\uFEFF') ? text.slice(1) : text);
  } catch (error) {
    // The message of JSON.parse may quote the input over many lines; the first says enough.
    const [reason] = (error as Error).message.split('\n');
    throw new InvalidInput([{ path: '', message: `this is not JSON: ${reason!.slice(0, 160)}` }]);
  }
}
