import { whyNoText } from './decode-text.ts';
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
  // Some editors begin a file with a byte order mark, which JSON.parse refuses.
  const json = text.startsWith('\uFEFF') ? text.slice(1) : text;
  try {
    return JSON.parse(json);
  } catch (error) {
    const reason = whyNoText(json) ?? reasonOf(error as Error, json);
    throw new InvalidInput([{ path: '', message: `this is not JSON: ${reason}` }]);
  }
}

/** What JSON.parse says. Only Node 22 and newer tell line and column, so these are counted here. */
function reasonOf({ message }: Error, json: string): string {
  const [, what, position] = /^([^"]*) at position (\d+)/.exec(message) ?? [];
  if (what === undefined) {
    // The message may quote the input over many lines; the first says enough.
    return message.split('\n')[0]!.slice(0, 160);
  }
  const before = json.slice(0, Number(position)).split('\n');
  return `${what.replace(/ in JSON$/, '')}, at line ${before.length}, column ${before.at(-1)!.length + 1}`;
}
