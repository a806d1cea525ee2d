import type { HostAddress } from '../address/index.ts';
import type { Backing } from '../host/index.ts';
import type { ListChange } from '../trace/index.ts';

/** A memslot or a DMA mapping. The mappings of a real VMM have no host addresses. */
interface Backed {
  readonly backing: Backing;
  readonly hostAddress: HostAddress | undefined;
}

/** The host address at which each region begins, taken from the first slot or mapping that shows the region. */
export class HostBases {
  readonly #bases = new Map<string, bigint>();

  /** Whether a slot or mapping has the host address that the first one of the same region leads to. */
  agrees({ backing, hostAddress }: Backed): boolean {
    if (hostAddress === undefined) return true;
    const region = `${backing.owner ?? ''}/${backing.region}`;
    const base = hostAddress - backing.offset;
    const first = this.#bases.get(region);
    if (first === undefined) this.#bases.set(region, base);
    return first === undefined || first === base;
  }
}

/** The slots and mappings that show one region from the same host address on. */
interface Shown {
  readonly owner: string | undefined;
  readonly region: string;
  readonly base: bigint;
  count: number;
}

/** Whether all slots and mappings of each region agree on its host address, followed by what is added and removed. */
export class SameBases {
  /** A machine has a few blocks of RAM, and each BAR a few mmaps. */
  readonly #shown: Shown[] = [];
  #differ = false;

  /** Whether any two have differed so far. From then on `HostBases` has to look at each state. */
  get differ(): boolean {
    return this.#differ;
  }

  follow({ added, removed }: ListChange<Backed>): void {
    if (this.#differ) return;
    for (const memory of removed) this.#remove(memory);
    for (const memory of added) this.#add(memory);
  }

  #add({ backing, hostAddress }: Backed): void {
    if (hostAddress === undefined) return;
    const base = hostAddress - backing.offset;
    const known = this.#find(backing);
    if (known === undefined) {
      this.#shown.push({ owner: backing.owner, region: backing.region, base, count: 1 });
    } else if (known.base === base) known.count++;
    else this.#differ = true;
  }

  #remove({ backing, hostAddress }: Backed): void {
    if (hostAddress === undefined) return;
    const known = this.#find(backing)!;
    if (--known.count === 0) this.#shown.splice(this.#shown.indexOf(known), 1);
  }

  #find({ owner, region }: Backing): Shown | undefined {
    for (const shown of this.#shown) if (shown.region === region && shown.owner === owner) return shown;
    return undefined;
  }
}
