import { checkScenario, ScenarioDecoder, type Scenario } from '../src/scenario/index.ts';
import { simplerDevices } from './simplify/devices.ts';
import {
  withFewerBars,
  withFewerDevices,
  withFewerOperations,
  withFewerRoms,
} from './simplify/fewer-parts.ts';
import { withFirstBar, withFirstDeviceName } from './simplify/first-names.ts';
import { onSimplerHosts } from './simplify/hosts.ts';
import { onSimplerMachines } from './simplify/machines.ts';
import { withOneAddressForMany, withSimplerOperations } from './simplify/operations.ts';
import { asFirmwareSetsItUp } from './simplify/realistic.ts';
import { withDevice } from './simplify/with-device.ts';
import { weigh } from './weigh.ts';

/**
 * Scenarios that are simpler than this one, best first: without devices, operations and BARs, closer to what a real
 * machine shows, on a simpler machine and host, with smaller and rounder numbers. All of them are valid, and all
 * weigh less (`weigh`), so that repeated simplification ends.
 */
export function* simplifyScenario(scenario: Scenario): Generator<Scenario> {
  const weight = weigh(scenario);
  for (const candidate of withLowerLimits(candidates(scenario))) {
    if (weigh(candidate) < weight && canBeCarriedOut(candidate)) yield candidate;
  }
}

function canBeCarriedOut(scenario: Scenario): boolean {
  const decoder = new ScenarioDecoder();
  checkScenario(scenario, decoder, '');
  return decoder.problems.length === 0;
}

/** Each scenario, and copies with a lower limit of DMA mappings: with less to map, a run reaches only a lower limit. */
function* withLowerLimits(scenarios: Iterable<Scenario>): Generator<Scenario> {
  for (const scenario of scenarios) {
    yield scenario;
    const { host } = scenario;
    const { maxMappings = 0 } = host.iommu;
    for (let limit = maxMappings - 1; limit >= 0 && limit >= maxMappings - 3; limit--) {
      yield { ...scenario, host: { ...host, iommu: { ...host.iommu, maxMappings: limit } } };
    }
  }
}

function* candidates(scenario: Scenario): Generator<Scenario> {
  yield* withFewerDevices(scenario);
  yield* withFewerOperations(scenario);
  yield* withFewerRoms(scenario);
  yield* withFewerBars(scenario);
  yield* asFirmwareSetsItUp(scenario);
  yield* withFirstDeviceName(scenario);
  yield* withFirstBar(scenario);
  yield* onSimplerMachines(scenario);
  yield* onSimplerHosts(scenario);
  for (const [index, device] of scenario.devices.entries()) {
    for (const simpler of simplerDevices(device)) yield withDevice(scenario, index, simpler);
  }
  yield* withSimplerOperations(scenario);
  yield* withOneAddressForMany(scenario);
}
