import { InvalidInput } from '../input/index.ts';
import { checkScenario } from './check-scenario.ts';
import { readDevice } from './read-device.ts';
import { readHost } from './read-host.ts';
import { readMachine } from './read-machine.ts';
import { readOperation } from './read-operation.ts';
import { reportDuplicates } from './report-duplicates.ts';
import { ScenarioDecoder } from './scenario-decoder.ts';
import type { DeviceSpec, Scenario } from './scenario.ts';

/** The revision of a scenario without `revision`. */
const DEFAULT_REVISION = 'qemu-11.1';

/**
 * Reads a scenario out of parsed JSON.
 *
 * Everything that hardware or a host can report is accepted, layouts against the PCI specification included:
 * barproof tests how a VMM handles them. A scenario that contradicts itself is refused.
 *
 * @throws InvalidInput with every problem and its path.
 */
export function decodeScenario(value: unknown): Scenario {
  const decoder = new ScenarioDecoder();
  const scenario = readScenarioPart(decoder, value, '');
  if (decoder.problems.length > 0) throw new InvalidInput(decoder.problems);
  return scenario;
}

/**
 * Reads a scenario that is part of a larger document, and reports its problems to `decoder`.
 *
 * @param path of the scenario in the document; empty where the scenario is the document.
 * @returns a scenario that is of use only if `decoder` has no new problem.
 */
export function readScenarioPart(decoder: ScenarioDecoder, value: unknown, path: string): Scenario {
  const at = (key: string): string => (path === '' ? key : `${path}.${key}`);
  const before = decoder.problems.length;
  const root = decoder.object(value, path, [
    'version',
    'machine',
    'revision',
    'host',
    'devices',
    'operations',
    // Where an editor finds the schema; barproof does not read it.
    '$schema',
  ]);
  const version = decoder.integer(root['version'], at('version'), 1, 1) as 1;
  if (root['$schema'] !== undefined) decoder.text(root['$schema'], at('$schema'));
  const machine = readMachine(decoder, root['machine'], at('machine'));
  const revision =
    root['revision'] === undefined ? DEFAULT_REVISION : decoder.string(root['revision'], at('revision'));
  const host = readHost(decoder, root['host'], at('host'));
  const devices = decoder.array(root['devices'], at('devices'), (element, where) =>
    readDevice(decoder, element, where),
  );
  reportDuplicates(
    decoder,
    before,
    devices.map(({ id }) => id),
    (index) => `${at('devices')}[${index}].id`,
  );
  const operations = decoder.array(root['operations'] ?? [], at('operations'), (element, where) =>
    readOperation(decoder, element, where),
  );
  const scenario: Scenario = { version, machine, revision, host, devices, operations };
  // After a problem some values are stand-ins, which would contradict the others.
  if (decoder.problems.length === before) checkScenario(scenario, decoder, path);
  return scenario;
}

/**
 * Reads one device out of parsed JSON, with paths that begin with `device`.
 *
 * @throws InvalidInput with every problem and its path.
 */
export function decodeDevice(value: unknown): DeviceSpec {
  const decoder = new ScenarioDecoder();
  const device = readDevice(decoder, value, 'device');
  if (decoder.problems.length > 0) throw new InvalidInput(decoder.problems);
  return device;
}
