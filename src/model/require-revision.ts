import type { Scenario } from '../scenario/index.ts';
import { InvalidInput, unknownName, type Problem } from '../input/index.ts';
import { ALL_REVISIONS, findAnyRevision, scopeOf, type AnyRevision } from './revisions.ts';
import type { Revision } from '../vfio/index.ts';

/**
 * The revision with the id.
 *
 * @param path of the id in the user's input, for the problem.
 * @param find finds a revision by its id; by default among those of barproof.
 * @throws InvalidInput when no revision has the id.
 */
export function requireRevision(
  id: string,
  path = 'revision',
  find: (id: string) => AnyRevision | undefined = findAnyRevision,
): AnyRevision {
  const revision = find(id);
  if (revision !== undefined) return revision;
  throw unknownName({
    path,
    kind: 'revision',
    name: id,
    known: ALL_REVISIONS.map((other) => other.id),
    otherwise: 'barproof list revisions shows them',
  });
}

/**
 * The revision of QEMU with the id: only revisions of QEMU have rules that a patch can change.
 *
 * @param path of the id in the user's input, for the problem.
 * @throws InvalidInput when no revision of QEMU has the id.
 */
export function requireQemuRevision(id: string, path = 'revision'): Revision {
  const revision = requireRevision(id, path);
  if (revision.vmm === undefined) return revision;
  throw new InvalidInput([{ path, message: `${id} is not a revision of QEMU` }]);
}

/** A problem for each part of the scenario that the VMM of the revision lacks: the IOMMU, the machine, operations, BARs. */
export function unsuitable(
  { host, machine, devices, operations }: Scenario,
  revision: AnyRevision,
): Problem[] {
  const scope = scopeOf(revision);
  const { iommuTypes, machineTypes, overlays = true, virtioMem, readonlyBars, roms, faults } = scope;
  const problems: Problem[] = [];
  const refuse = (path: string, what: string, allowed?: readonly string[]): void => {
    const hint = allowed === undefined ? '' : `; allowed are ${allowed.join(', ')}`;
    problems.push({ path, message: `${revision.id} has no ${what}${hint}` });
  };
  if (!faults && host.faults !== undefined) refuse('host.faults', 'rules about faults of the host');
  const { type } = host.iommu;
  if (!iommuTypes.includes(type)) refuse('host.iommu.type', type, iommuTypes);
  if (machineTypes?.includes(machine.type) === false) refuse('machine.type', machine.type, machineTypes);
  for (const [index, operation] of operations.entries()) {
    const { op } = operation;
    if (!overlays && OF_THE_MEMORY_API.has(op)) refuse(`operations[${index}].op`, op);
    else if (!virtioMem && op === 'add-region' && operation.kind === 'virtio-mem')
      refuse(`operations[${index}].kind`, 'virtio-mem');
  }
  if (roms === false) {
    for (const [index, { rom, options }] of devices.entries()) {
      if (rom !== undefined) refuse(`devices[${index}].rom`, 'expansion ROMs');
      if (options.romfile !== undefined) refuse(`devices[${index}].options.romfile`, 'expansion ROMs');
    }
  }
  if (!readonlyBars) {
    for (const [index, { bars }] of devices.entries()) {
      for (const [bar, { writable }] of bars.entries())
        if (writable === false) refuse(`devices[${index}].bars[${bar}].writable`, 'read-only BARs');
    }
  }
  return problems;
}

const OF_THE_MEMORY_API: ReadonlySet<string> = new Set([
  'add-region',
  'remove-region',
  'show-registers',
  'show-contents',
  'make-readonly',
  'make-writable',
  'shift-alias',
  'plug-blocks',
  'unplug-blocks',
  'start-dirty-log',
  'stop-dirty-log',
  'begin',
  'commit',
]);

/**
 * Checks that `revision` can run `scenario`.
 *
 * @throws InvalidInput with a problem for each part that the revision lacks.
 */
export function requireSuitable(scenario: Scenario, revision: AnyRevision): void {
  const problems = unsuitable(scenario, revision);
  if (problems.length > 0) throw new InvalidInput(problems);
}
