import { LAST_ADDRESS, gpa, hex, hostAddress, isAligned, offset } from '../../address/index.ts';
import { KvmMemslots, errnoName, kernelRules } from '../../host/index.ts';
import { KVM_ARCHITECTURE_OF } from '../../model/index.ts';
import { bytes } from '../../report/index.ts';
import type { NamedHost } from '../../scenario/index.ts';
import { widthOf } from './map-limit.ts';

/** Why the KVM of a host refuses a memslot. */
export interface SlotRefusal {
  readonly host: NamedHost;
  readonly errno: string;
  readonly limit: 'alignment' | 'CPU width' | 'wrap' | 'other';
  readonly why: string;
}

/**
 * Asks the model of a host's KVM for a slot.
 *
 * @returns `undefined` where KVM makes the slot.
 */
export function slotRefusalOn(host: NamedHost, start: bigint, size: bigint): SlotRefusal | undefined {
  const lastGpa = (1n << BigInt(host.cpu.physBits)) - 1n;
  const kvm = new KvmMemslots({
    hostPageSize: host.hostPageSize,
    architecture: KVM_ARCHITECTURE_OF[host.machines[0]!],
    kernel: kernelRules(host.kernel),
    lastGpa: gpa(lastGpa),
  });
  const errno = kvm.set({
    slot: 0,
    gpa: gpa(start),
    size,
    hostAddress: hostAddress(host.hostPageSize),
    readonly: false,
    logDirtyPages: false,
    backing: { region: '', owner: undefined, offset: offset(0n) },
  });
  if (errno === 0) return undefined;
  return { host, errno: errnoName(errno), ...limitOf(host, start, size, lastGpa) };
}

function limitOf(
  { hostPageSize, cpu }: NamedHost,
  start: bigint,
  size: bigint,
  lastGpa: bigint,
): Pick<SlotRefusal, 'limit' | 'why'> {
  const last = start + size - 1n;
  if (!isAligned(start | size, hostPageSize))
    return {
      limit: 'alignment',
      why: `start ${hex(start)} and size ${hex(size)} must be multiples of the host page, ${bytes(hostPageSize)}`,
    };
  if (last > LAST_ADDRESS) return { limit: 'wrap', why: 'the slot ends above 2^64' };
  if (last > lastGpa)
    return {
      limit: 'CPU width',
      why: `the last address ${hex(last)} needs ${widthOf(last)} bits, and the CPU has ${cpu.physBits}`,
    };
  return { limit: 'other', why: 'the model names no limit that the slot crosses' };
}
