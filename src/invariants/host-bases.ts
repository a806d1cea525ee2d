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
  readonly base: bigint;
  count: number;
}

/** Whether all slots and mappings of each region agree on its host address, followed by what is added and removed. */
export class SameBases {
  /** By the name of the region. Regions of several owners may have the same name. */
  readonly #shown = new Map<string, Shown[]>();
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

  #add({ backing: { owner, region, offset }, hostAddress }: Backed): void {
    if (hostAddress === undefined) return;
    const shown = this.#shown.get(region);
    const known = shown?.find((other) => other.owner === owner);
    if (known === undefined) {
      const first: Shown = { owner, base: hostAddress - offset, count: 1 };
      if (shown === undefined) this.#shown.set(region, [first]);
      else shown.push(first);
    } else if (known.base === hostAddress - offset) known.count++;
    else this.#differ = true;
  }

  #remove({ backing: { owner, region }, hostAddress }: Backed): void {
    if (hostAddress === undefined) return;
    const shown = this.#shown.get(region)!;
    const index = shown.findIndex((other) => other.owner === owner);
    if (--shown[index]!.count === 0) shown.splice(index, 1);
  }
}
