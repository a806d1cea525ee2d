import type { MemoryRegion, MemoryTopology } from '../memory/index.ts';

/** The table of a VMM that traps where the table's BAR was mapped first, wherever the BAR goes (`tableFollowsBar`). */
export class LeftBehindTable {
  readonly #table: MemoryRegion;
  readonly #topology: MemoryTopology;
  #first: bigint | undefined;

  constructor(table: MemoryRegion, topology: MemoryTopology) {
    this.#table = table;
    this.#topology = topology;
  }

  /** The BAR of the table is mapped at another address now, or nowhere. */
  moved(address: bigint | undefined): void {
    this.#first ??= address;
    if (address !== undefined) this.#topology.setEnabled(this.#table, address === this.#first);
  }
}
