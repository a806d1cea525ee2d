import type { Scenario } from '../scenario/index.ts';
import { InvalidInput, nearestTo, printable, type Problem } from '../input/index.ts';
import { ALL_REVISIONS, findAnyRevision, scopeOf, type AnyRevision } from './revisions.ts';
import type { Revision } from '../vfio/index.ts';

/**
 * The revision with this id.
 *
 * @param path where the id stands, for whoever wrote it.
 * @param find where revisions are looked up; by default among those of barproof.
 * @throws InvalidInput when there is none.
 */
export function requireRevision(
  id: string,
  path = 'revision',
  find: (id: string) => AnyRevision | undefined = findAnyRevision,
): AnyRevision {
  const revision = find(id);
  if (revision !== undefined) return revision;
  const nearest = nearestTo(
    id,
    ALL_REVISIONS.map((other) => other.id),
  );
  const hint = nearest === undefined ? 'barproof list revisions shows them' : `did you mean ${nearest}?`;
  throw new InvalidInput([{ path, message: `there is no revision ${printable(id.slice(0, 200))}; ${hint}` }]);
}

/**
 * The revision of QEMU with this id: only they have rules that a patch changes.
 *
 * @param path where the id stands, for whoever wrote it.
 * @throws InvalidInput when there is none.
 */
export function requireQemuRevision(id: string, path = 'revision'): Revision {
  const revision = requireRevision(id, path);
  if (revision.vmm === undefined) return revision;
  throw new InvalidInput([{ path, message: `${id} is no revision of QEMU` }]);
}

/** What of a scenario the VMM of a revision does not have: an IOMMU, a machine, operations. */
export function unsuitable({ host, machine, operations }: Scenario, revision: AnyRevision): Problem[] {
  const { iommuTypes, machineTypes, overlays = true } = scopeOf(revision);
  const problems: Problem[] = [];
  const refuse = (path: string, what: string, allowed?: readonly string[]): void => {
    const hint = allowed === undefined ? '' : `; allowed are ${allowed.join(', ')}`;
    problems.push({ path, message: `${revision.id} has no ${what}${hint}` });
  };
  const { type } = host.iommu;
  if (!iommuTypes.includes(type)) refuse('host.iommu.type', type, iommuTypes);
  if (machineTypes?.includes(machine.type) === false) refuse('machine.type', machine.type, machineTypes);
  for (const [index, { op }] of operations.entries()) {
    if (!overlays && OF_THE_MEMORY_API.has(op)) refuse(`operations[${index}].op`, op);
  }
  return problems;
}

const OF_THE_MEMORY_API: ReadonlySet<string> = new Set(['add-region', 'remove-region', 'begin', 'commit']);

/**
 * Makes sure that `revision` can carry out `scenario`.
 *
 * @throws InvalidInput naming everything that it does not have.
 */
export function requireSuitable(scenario: Scenario, revision: AnyRevision): void {
  const problems = unsuitable(scenario, revision);
  if (problems.length > 0) throw new InvalidInput(problems);
}
