import type { FlatViewText } from '../../src/memory/index.ts';

/** An address space of QEMU and the one that was rebuilt for it. */
export interface SpacePair {
  readonly name: string;
  /** Index into the rebuilt address spaces, the same in every rebuild of the text. */
  readonly index: number;
  readonly view: FlatViewText;
}
