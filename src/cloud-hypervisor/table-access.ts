import type { Offset, Range } from '../address/index.ts';

/** A trapped access to a BAR. */
export interface BarAccess {
  /** Of the first byte, in the BAR. */
  readonly offset: Offset;
  /** In bytes, 1 to 8. */
  readonly width: number;
  readonly write: boolean;
}

const ENTRY_BYTES = 16n;

/** Whether the access begins in the table; its end is not looked at (Interrupt::msix_table_accessed). */
export const beginsInTable = ({ offset: at }: BarAccess, { start, end }: Range): boolean =>
  start <= at && at < end;

/**
 * Whether the table answers the access: a dword, or the lower or upper half of an entry. Others only give a message
 * (MsixConfig::read_table, MsixConfig::write_table).
 */
export const isTableAccess = ({ offset: at, width }: BarAccess): boolean =>
  (width === 4 || width === 8) && (at % ENTRY_BYTES) % BigInt(width) === 0n;
