import { Errno, HostFaults } from '../host/index.ts';
import type { Scenario } from '../scenario/index.ts';

/** The faults of a scenario's host, none of whose requests has come yet. */
export const makeHostFaults = ({ host }: Pick<Scenario, 'host'>): HostFaults =>
  new HostFaults(
    (host.faults ?? []).map((fault) => ({
      ...fault,
      answer: fault.answer === 'never' ? fault.answer : Errno[fault.answer],
    })),
  );
