import { gpa } from '../address/index.ts';
import { kernelRules, KvmMemslots } from '../host/index.ts';
import { lastGuestAddress, type Scenario } from '../scenario/index.ts';
import { KVM_ARCHITECTURE_OF } from './kvm-architecture-of.ts';

/** The memory slots of a scenario's host, without a slot. */
export const makeHostKvm = (scenario: Pick<Scenario, 'host' | 'machine'>): KvmMemslots =>
  new KvmMemslots({
    hostPageSize: scenario.machine.hostPageSize,
    architecture: KVM_ARCHITECTURE_OF[scenario.machine.type],
    kernel: kernelRules(scenario.host.kernel),
    lastGpa: gpa(lastGuestAddress(scenario)),
  });
