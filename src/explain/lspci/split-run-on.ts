import type { CleanLine } from '../text/clean-text.ts';

/** The beginnings of lines of `lspci -v` and `-vv` that matter here. */
const BEGINNING =
  /[ \t]+(?=Region \d: (?:Memory|I\/O ports) at |Capabilities: [[<]|Vector table: BAR=|PBA: BAR=|Kernel driver in use: |Subsystem: |Flags: (?:bus master|fast devsel)|Control: I\/O[+-])/;
const FEWEST = 3;

/**
 * Cuts lines in which a web form or a chat has run a whole device together: the heading of a device has its details
 * behind it, on one line. Other lines stay as they are.
 */
export const splitRunOn = (lines: readonly CleanLine[]): readonly CleanLine[] =>
  lines.flatMap((line) => {
    const parts = line.text.trim().split(BEGINNING);
    return parts.length < FEWEST ? [line] : parts.map((text) => ({ ...line, text }));
  });
