import { InvalidInput, nearestTo, printable, type Scenario } from '../../scenario/index.ts';
import { REVISIONS, findRevision, type Revision } from '../../vfio/index.ts';

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
  find: (id: string) => Revision | undefined = findRevision,
): Revision {
  const revision = find(id);
  if (revision !== undefined) return revision;
  const nearest = nearestTo(
    id,
    REVISIONS.map((other) => other.id),
  );
  const hint = nearest === undefined ? 'barproof list revisions shows them' : `did you mean ${nearest}?`;
  throw new InvalidInput([{ path, message: `there is no revision ${printable(id.slice(0, 200))}; ${hint}` }]);
}

/**
 * Makes sure that `revision` can drive the IOMMU of `scenario`.
 *
 * @throws InvalidInput at `host.iommu.type` when it cannot.
 */
export function requireIommu({ host }: Scenario, { id, iommus }: Revision): void {
  const { type } = host.iommu;
  if (iommus.includes(type)) return;
  const message = `${id} has no ${type}; allowed are ${iommus.join(', ')}`;
  throw new InvalidInput([{ path: 'host.iommu.type', message }]);
}
