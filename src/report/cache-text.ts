import { printable } from '../input/index.ts';
import { amount } from './amount.ts';
import { count } from './count.ts';
import { table } from './table.ts';
import { fitted } from './wrap.ts';

/** A QEMU base that was built, as the cache tells of it. */
export interface ShownBase {
  /** Tells bases apart that have the same title, such as those of two compilers. */
  readonly key: string;
  readonly title: string;
  readonly configuration: string;
  readonly state: 'built' | 'not finished' | 'does not link';
  readonly bytes: number;
  readonly patches: number;
  readonly used: Date;
  readonly isInUse: boolean;
}

/** How much of a key is shown. */
const KEY_DIGITS = 8;

/** The QEMUs that were built, and where they are. */
export interface ShownCache {
  readonly folder: string;
  /** The most that it holds, in bytes. */
  readonly limit: number;
  readonly bases: readonly ShownBase[];
}

/** The cache for people: a line a base, the one that was used last first. */
export function cacheText({ folder, limit, bases }: ShownCache): string {
  const all = bases.reduce((sum, { bytes }) => sum + bytes, 0);
  const rows = bases.map(({ key, title, configuration, state, bytes, patches, used, isInUse }) => [
    key.slice(0, KEY_DIGITS),
    printable(title),
    printable(configuration),
    state,
    amount(BigInt(bytes)),
    `${patches} ${patches === 1 ? 'patch' : 'patches'}`,
    isInUse ? 'in use' : `used ${used.toISOString().slice(0, 16).replace('T', ' ')}`,
  ]);
  const held = `${printable(folder)} holds ${count(bases.length, 'base')}, ${amount(BigInt(all))} of at most ${amount(BigInt(limit))}`;
  return [...fitted(held), ...table(rows, [4]), ''].join('\n');
}

/** What came of clearing the cache. */
export const clearedText = ({ freed, inUse }: { readonly freed: number; readonly inUse: number }): string =>
  `${amount(BigInt(freed))} freed${inUse === 0 ? '' : `; ${count(inUse, 'base')} in use stays`}\n`;
