import type { HostAddress } from '../address/index.ts';
import type { Backing } from '../host/index.ts';

/** The host address at which each region begins, taken from the first slot or mapping that shows the region. */
export class HostBases {
  readonly #bases = new Map<string, bigint>();

  /** Whether a slot or mapping has the host address that the first one of the same region leads to. */
  agrees({
    backing,
    hostAddress,
  }: {
    readonly backing: Backing;
    readonly hostAddress: HostAddress;
  }): boolean {
    const region = `${backing.owner ?? ''}/${backing.region}`;
    const base = hostAddress - backing.offset;
    const first = this.#bases.get(region);
    if (first === undefined) this.#bases.set(region, base);
    return first === undefined || first === base;
  }
}
