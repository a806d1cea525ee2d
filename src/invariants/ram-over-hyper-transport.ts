import { cpuOf, type Scenario } from '../scenario/index.ts';
import type { Trace } from '../trace/index.ts';
import type { DmaMapEvent } from '../vfio/index.ts';

/** The addresses that AMD's IOMMU reserves for HyperTransport below 1 TiB (host fact R1.7.2). */
const HYPER_TRANSPORT = { start: 0xfd_0000_0000n, end: 1n << 40n };

/** Whether the scenario, and not the machine, has chosen where the memory lies. */
const isAdded = ({ backing }: DmaMapEvent, { operations }: Scenario): boolean =>
  operations.some((operation) => operation.op === 'add-region' && operation.name === backing.region);

/**
 * The refused DMA map of RAM that a machine with a CPU of AMD has put over HyperTransport. QEMU 7.1 and later move the RAM to
 * 1 TiB instead, so that the host has no reason to refuse (machine fact 11.7).
 */
export const ramOverHyperTransport = ({ scenario, steps }: Trace): DmaMapEvent | undefined =>
  cpuOf(scenario)?.vendor !== 'amd'
    ? undefined
    : steps
        .at(-1)
        ?.events.find(
          (event): event is DmaMapEvent =>
            event.type === 'dma-map' &&
            event.errno !== 0 &&
            !event.deviceMemory &&
            !isAdded(event, scenario) &&
            event.iova < HYPER_TRANSPORT.end &&
            HYPER_TRANSPORT.start < event.iova + event.size,
        );
