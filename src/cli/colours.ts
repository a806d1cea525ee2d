import type { WriteStream } from 'node:tty';

const RED = 31;
const GREEN = 32;
const YELLOW = 33;
const BOLD = 1;

/** Which part of a line gets which colour. The words say the same without colours. */
const RULES: readonly (readonly [part: RegExp, code: number])[] = [
  [/^\u2716(?= )/, RED],
  [/^x(?= \S+: )/, RED],
  [/^\+(?= \S+: )/, GREEN],
  [/^\u2714(?= )/, GREEN],
  [/^\d+ {2}(?:warning )?\S+ \/ \S+/, BOLD],
  [/<--(?: here)?$/, RED],
  [/^found \d+ counterexamples?/, RED],
  [/^(?:every invariant holds|no new counterexample)/, GREEN],
  [/^(?:interrupted|known|not run|not exercised by any case)(?=:)/, YELLOW],
];

/**
 * Whether a stream gets colours: a terminal that can show them, unless the user forbids them by NO_COLOR
 * (no-color.org). FORCE_COLOR demands them elsewhere, too; 0 forbids them.
 */
export function hasColours(
  stream: Pick<WriteStream, 'isTTY'>,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): boolean {
  const { NO_COLOR: no = '', FORCE_COLOR: force = '', TERM: terminal } = environment;
  if (no !== '') return false;
  if (force !== '') return force !== '0';
  return stream.isTTY && terminal !== 'dumb';
}

/** Text with colours where they help a reader to find what matters. */
export const coloured = (text: string): string => text.split('\n').map(colouredLine).join('\n');

const colouredLine = (line: string): string =>
  RULES.reduce(
    (painted, [part, code]) => painted.replace(part, (found) => `\u001B[${code}m${found}\u001B[0m`),
    line,
  );
