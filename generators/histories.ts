import { hardwareNeeds, type Scenario } from '../src/scenario/index.ts';
import type { Choose } from './choose.ts';
import { chooseFirmwareOperations } from './firmware-operations.ts';
import { chooseOperations } from './operations.ts';
import { REALISTIC_SHARE } from './realistic.ts';
import { chooseRomOperations } from './roms.ts';

/** How many lists of scenarios are drawn at a time, and how many scenarios a list has. */
export interface HistoriesShape {
  /** Number of lists, each with hardware of its own; 1 or more. */
  readonly lanes: number;
  /** Number of scenarios in a list with the same devices; 1 or more. */
  readonly histories: number;
  /**
   * Number of sets of devices in a list, one after the other on one machine and host; 1 when left out. For the kernel's
   * interface alone: over vfio-user a process serves any host.
   */
  readonly sets?: number;
  /** Whether to draw only scenarios that a real machine can show; false by default. */
  readonly realistic?: boolean;
}

/**
 * Scenarios that share machine, host and devices with `first`, the first of them, and differ only in their operations:
 * plugging devices in takes most of the time, and is done once for a list.
 *
 * @param count how many, `first` included.
 */
export function chooseHistories(
  choose: Choose,
  first: Scenario,
  count: number,
  realistic: boolean,
): readonly Scenario[] {
  const { machine, devices } = first;
  const isReal = hardwareNeeds(first).length === 0;
  const others = Array.from({ length: count - 1 }, (): Scenario => {
    const asFirmware = realistic || (isReal && choose.chance(REALISTIC_SHARE));
    const drawn = asFirmware
      ? chooseFirmwareOperations(choose, first, false)
      : chooseOperations(choose, machine, devices, false);
    const ofRom = chooseRomOperations(choose, { ...first, operations: drawn }, asFirmware);
    return { ...first, operations: [...drawn, ...ofRom] };
  });
  return [first, ...others];
}

/** Simpler lists: first each scenario alone; then what `simplify` makes of the only scenario. */
export const simplifyHistories = (simplify: (scenario: Scenario) => Generator<Scenario>) =>
  function* (lanes: readonly (readonly Scenario[])[]): Generator<readonly (readonly Scenario[])[]> {
    const [first, ...others] = lanes.flat();
    if (first === undefined) return;
    if (others.length > 0) for (const scenario of [first, ...others]) yield [[scenario]];
    else for (const simpler of simplify(first)) yield [[simpler]];
  };
