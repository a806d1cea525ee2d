import type { Invariant, InvariantId } from '../../invariants/index.ts';
import { runOnModel } from '../../model/index.ts';
import { decodeScenario, type Scenario } from '../../scenario/index.ts';
import type { Trace } from '../../trace/index.ts';
import { NEWEST } from '../../vfio/index.ts';

/** Machines that differ in their RAM alone, for tests of searches: RAM is counted in units of 64 KiB. */
const UNIT = 0x1_0000n;

export const withRam = (units: number): Scenario =>
  decodeScenario({
    version: 1,
    machine: { type: 'generic', ram: `0x${(BigInt(units) * UNIT).toString(16)}` },
    host: { kernel: 'msix-mappable', iommu: { type: 'type1' } },
    devices: [],
  });

export const unitsOf = ({ machine }: Scenario): number => Number(machine.ram / UNIT);

export const runMachine = (scenario: Scenario): Trace => runOnModel(scenario, NEWEST);

/** An invariant that breaks for the cause that `causeOf` gives for the machine's RAM. */
export const invariantOfRam = (
  id: InvariantId,
  causeOf: (units: number) => string | undefined,
): Invariant => ({
  id,
  clause: id,
  severity: 'error',
  site: id,
  start: ({ scenario }, examination) => {
    examination.exercised++;
    const cause = causeOf(unitsOf(scenario));
    if (cause !== undefined) examination.violate(cause, () => `${unitsOf(scenario)} units`);
    return undefined;
  },
});
