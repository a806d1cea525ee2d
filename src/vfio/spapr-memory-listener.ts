import { hostAddress, isAligned, type HostAddress, type Size } from '../address/index.ts';
import { errnoName, type SpaprTceContainer } from '../host/index.ts';
import type { MemoryListener, MemoryRegionSection } from '../memory/index.ts';
import type { ContainerRules } from './container-rules.ts';
import type { EventSink } from './event.ts';
import { VmmAbort } from './failure.ts';
import type { SpaprOptions } from './spapr-windows.ts';

/**
 * Registers guest RAM with an sPAPR v2 container before any of it is mapped (vfio_prereg_listener,
 * vfio fact 7.1). The listener does not trim: it leaves an unaligned section out whole.
 */
export class SpaprMemoryListener implements MemoryListener {
  readonly name = 'vfio-spapr-prereg';
  readonly priority = 0;
  /** Whether the container is set up: from then on a refusal is fatal. */
  initialized = false;
  /** The first refusal while the container was being set up. */
  initialError: string | undefined;
  readonly #container: string;
  readonly #iommu: SpaprTceContainer;
  readonly #hostPageSize: Size;
  readonly #emit: EventSink;
  readonly #rules: ContainerRules;

  constructor({ container, iommu, hostPageSize, emit, rules }: SpaprOptions) {
    this.#container = container;
    this.#iommu = iommu;
    this.#hostPageSize = hostPageSize;
    this.#emit = emit;
    this.#rules = rules;
  }

  regionAdd(section: MemoryRegionSection): void {
    const at = this.#backing(section);
    if (at === undefined || !this.#rules.registersRam(section)) return;
    const { size, region } = section;
    // ROM is writable memory in the VMM; only the guest may not write it.
    const errno = this.#iommu.registerMemory({ hostAddress: at, size });
    this.#emit({ type: 'register-memory', container: this.#container, hostAddress: at, size, errno });
    if (errno === 0) return;
    const text = `vfio: Memory registering failed, unable to continue: ${errnoName(errno)} (region ${region.name})`;
    if (this.initialized) throw new VmmAbort('memory-registration', text);
    this.initialError ??= text;
  }

  regionDel(section: MemoryRegionSection): void {
    const at = this.#backing(section);
    if (at === undefined || !this.#rules.unregistersRam || !this.#rules.registersRam(section)) return;
    const { size } = section;
    const errno = this.#iommu.unregisterMemory(at, size);
    this.#emit({ type: 'unregister-memory', container: this.#container, hostAddress: at, size, errno });
  }

  #backing(section: MemoryRegionSection): HostAddress | undefined {
    const { region, start, offset, size } = section;
    if (!region.isRam || region.isRamDevice) return undefined;
    const isWhole = isAligned(start | offset | size, this.#hostPageSize);
    if (!isWhole && this.#rules.unalignedRam === 'left-out') return undefined;
    return hostAddress((region.hostAddress ?? 0n) + offset);
  }
}
