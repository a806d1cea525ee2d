import type { MtreeLine } from './mtree-line.ts';

/** `RW`, `R-`, `-W` and `--`: what QEMU 2.8 and older print for the type. */
const OLD = /\(prio (-?\d+), ([R-][W-])\):/;

/**
 * The lines with the types that QEMU prints since 2.9. `R-` is a ROM. `RW` may be RAM, device memory or emulated
 * registers, and stands as `i/o`: nothing is assumed of it.
 */
export function modernTypes(lines: readonly MtreeLine[]): {
  readonly lines: readonly MtreeLine[];
  readonly notes: readonly string[];
  readonly hasTypes: boolean;
} {
  let old = 0;
  const modern = lines.map((line): MtreeLine => {
    if (line.kind !== 'region') return line;
    const text = widen(line.text);
    const match = OLD.exec(text);
    if (match === null) return text === line.text ? line : { ...line, text };
    old++;
    const type = match[2] === 'R-' ? 'rom' : 'i/o';
    return { ...line, text: text.replace(OLD, `(prio ${match[1]}, ${type}):`) };
  });
  return {
    lines: modern,
    hasTypes: old === 0,
    notes:
      old === 0
        ? []
        : [
            'the text is of QEMU 2.8 or older and has no types: R- is a ROM, and RW may be RAM or registers, so the text does not say what VFIO maps',
          ],
  };
}

/** Addresses of 8 digits as QEMU prints them today, in lower case. */
const widen = (text: string): string =>
  text
    .replace(/^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{8}(?= )/, (range) =>
      range
        .split('-')
        .map((digits) => digits.padStart(16, '0'))
        .join('-'),
    )
    .replace(/^[0-9A-Fa-f]{16}-[0-9A-Fa-f]{16}/, (range) => range.toLowerCase());
