import { printable } from '../input/index.ts';
import { amount } from './amount.ts';
import { count } from './count.ts';
import { table } from './table.ts';

/** A QEMU base that was built, as the cache tells of it. */
export interface ShownBase {
  readonly title: string;
  readonly configuration: string;
  readonly bytes: number;
  readonly patches: number;
  readonly used: Date;
  readonly isInUse: boolean;
}

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
  const rows = bases.map(({ title, configuration, bytes, patches, used, isInUse }) => [
    printable(title),
    printable(configuration),
    amount(BigInt(bytes)),
    `${patches} ${patches === 1 ? 'patch' : 'patches'}`,
    isInUse ? 'in use' : `used ${used.toISOString().slice(0, 16).replace('T', ' ')}`,
  ]);
  const held = `${printable(folder)} holds ${count(bases.length, 'base')}, ${amount(BigInt(all))} of at most ${amount(BigInt(limit))}`;
  return [held, ...table(rows, [2]), ''].join('\n');
}

/** What came of clearing the cache. */
export const clearedText = ({ freed, inUse }: { readonly freed: number; readonly inUse: number }): string =>
  `${amount(BigInt(freed))} freed${inUse === 0 ? '' : `; ${count(inUse, 'base')} in use stays`}\n`;
