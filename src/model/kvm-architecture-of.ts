import type { KvmArchitecture } from '../host/index.ts';
import type { MachineType } from '../scenario/index.ts';

/** The KVM of the host of each machine. That of `generic` is x86. */
export const KVM_ARCHITECTURE_OF: Readonly<Record<MachineType, KvmArchitecture>> = {
  generic: 'x86',
  pc: 'x86',
  q35: 'x86',
  virt: 'arm64',
  pseries: 'power',
};
