import type { HostAddress } from '../address/index.ts';
import type { Backing } from '../host/index.ts';

/** Where in the VMM's memory each region begins, learnt from what is seen of it first. */
export class HostBases {
  readonly #bases = new Map<string, bigint>();

  /** Whether a piece of a region lies where the pieces of that region seen before say that it must. */
  agrees({
    backing,
    hostAddress,
  }: {
    readonly backing: Backing;
    readonly hostAddress: HostAddress;
  }): boolean {
    const region = `${backing.owner ?? ''}/${backing.region}`;
    const base = hostAddress - backing.offset;
    const known = this.#bases.get(region);
    if (known === undefined) this.#bases.set(region, base);
    return known === undefined || known === base;
  }
}
