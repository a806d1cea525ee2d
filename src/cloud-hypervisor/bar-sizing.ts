import type { EventSink } from '../vfio/index.ts';
import type { CloudHypervisorRules } from './revision.ts';
import type { VfioPciDevice } from './vfio-pci-device.ts';

/** What a guest writes into a register to find which bits it can write. */
const ALL_ONES = 0xffff_ffffn;

/** How a guest sizes a BAR, and what the VMM makes of it. */
export interface BarSizing {
  /**
   * What the guest writes into a 32-bit register; all ones when `undefined`. Of a 64-bit BAR the low half alone moves
   * nothing, and the high half gets all ones.
   */
  readonly probe: bigint | undefined;
  readonly rules: Pick<CloudHypervisorRules, 'isProbe'>;
  /** Writes an address into the BAR's registers. */
  readonly program: (address: bigint) => void;
  readonly emit: EventSink;
}

/**
 * The guest sizes BAR `index`. What the VMM does not take for a probe moves the BAR, and the restoring write moves it
 * back (detect_bar_reprogramming).
 */
export function sizeBar(
  device: VfioPciDevice,
  index: number,
  { probe = ALL_ONES, rules, program, emit }: BarSizing,
): void {
  const { registers, mmioRegions } = device;
  const region = mmioRegions.find((other) => other.index === index);
  const before = registers.addressOf(index);
  if (region === undefined || before === undefined) return;
  const { size, attributes } = region;
  const isWide = attributes.type === 'mem64';
  const high = isWide ? ALL_ONES : 0n;
  const low = isWide ? before & ALL_ONES : probe;
  program((high << 32n) | low);
  // A register that was restored after a refused move reads as if the guest had written nothing.
  const isRestored = !rules.isProbe(attributes.type, { low, high }) && registers.addressOf(index) === before;
  program(before);
  const typeBits = attributes.type === 'io' ? 0x3n : 0xfn;
  const wrote = ((high << 32n) | probe) & ~typeBits;
  const read = isRestored ? before : wrote & -size;
  emit({ type: 'bar-sized', device: device.id, bar: index, wrote, read });
}
