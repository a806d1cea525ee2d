import { alignUp, hex, type Size } from '../address/index.ts';
import type { MachineOptions } from './machine.ts';

const GIB = 1n << 30n;
const FOUR_GIB = 1n << 32n;
/** Where AMD's IOMMU reserves addresses for HyperTransport, up to 1 TiB (AMD_HT_START, AMD_ABOVE_1TB_START). */
const HYPER_TRANSPORT = 0xfd_0000_0000n;
const ONE_TIB = 1n << 40n;

/** Where RAM above 4 GiB lies on pc and q35. */
export interface Above4G {
  readonly start: bigint;
  /** What QEMU prints when the CPU cannot address this memory map; `undefined` where it can. */
  readonly refusal: string | undefined;
}

/**
 * Places RAM above 4 GiB. With a CPU of AMD, QEMU 7.1 and later move the RAM above HyperTransport, if RAM and PCI
 * hole would reach there. Since 7.1 QEMU also refuses to start if the CPU cannot address the end of the hole
 * (hw/i386/pc.c: pc_memory_init, pc_max_used_gpa; machine fact 11.7).
 *
 * @param size bytes of RAM above 4 GiB.
 * @param hole64Size bytes of the 64-bit PCI hole.
 */
export function placeAbove4G({ cpu, rules }: MachineOptions, size: Size, hole64Size: Size): Above4G {
  if (cpu === undefined) return { start: FOUR_GIB, refusal: undefined };
  const lastUsed = (start: bigint): bigint => alignUp(start + size, GIB) + hole64Size - 1n;
  const isMoved = rules.avoidsHyperTransport && cpu.isAmd && lastUsed(FOUR_GIB) >= HYPER_TRANSPORT;
  const start = isMoved ? ONE_TIB : FOUR_GIB;
  const last = (1n << BigInt(cpu.physBits)) - 1n;
  if (!rules.checksPhysBits || last >= lastUsed(start)) return { start, refusal: undefined };
  const limit = `Address space limit ${hex(last)} < ${hex(lastUsed(start))}`;
  return { start, refusal: `${limit} phys-bits too low (${cpu.physBits})` };
}
