import { form5_1 } from '../memory/index.ts';
import { findRevision, NEWEST, type Revision } from '../vfio/index.ts';
import { isReleaseBefore } from './process/release.ts';

/** The revisions that describe releases: each from its release on, up to the release `before`. */
const DESCRIBED: readonly { readonly id: string; readonly from: string; readonly before: string }[] = [
  { id: 'qemu-2.11', from: '2.11', before: '2.12' },
  { id: 'qemu-2.12', from: '2.12', before: '6.0' },
  { id: 'qemu-6.0', from: '6.0', before: '10.1' },
  { id: NEWEST.id, from: '11.1', before: '11.2' },
];

/** What came between two revisions, by the release that brought it. */
const BROUGHT: readonly { readonly since: string; readonly by: (revision: Revision) => Revision }[] = [
  // machine fact 11.5
  { since: '3.1', by: (revision) => ({ ...revision, machine: { ...revision.machine, xive: true } }) },
  // vfio fact 5.7
  {
    since: '4.1',
    by: (revision) => ({
      ...revision,
      device: { ...revision.device, toleratesPbaBeyondBarWhenRelocated: true },
    }),
  },
  // memory fact 8.9
  { since: '5.1', by: (revision) => ({ ...revision, mtree: form5_1 }) },
  {
    since: '6.1',
    by: (revision) => ({
      ...revision,
      device: { ...revision.device, correctPbaOffset: NEWEST.device.correctPbaOffset },
    }),
  },
  // machine fact 11.7
  {
    since: '7.1',
    by: (revision) => ({
      ...revision,
      machine: { ...revision.machine, avoidsHyperTransport: true, checksPhysBits: true },
    }),
  },
  // vfio fact 9.5
  {
    since: '8.0',
    by: (revision) => ({ ...revision, memslots: { ...revision.memslots, update: 'at-commit' } }),
  },
  // vfio fact 5.22
  {
    since: '8.1',
    by: (revision) => ({ ...revision, device: { ...revision.device, hotplugMsixRefusal: 'reported' } }),
  },
  // QEMU commit ee42b261b0fe brought iommufd, b08501a99969 the other name of the function
  {
    since: '9.0',
    by: (revision) => ({
      ...revision,
      iommus: [...revision.iommus, 'iommufd'],
      dmaMapFunction: NEWEST.dmaMapFunction,
    }),
  },
  // vfio fact 5.3
  {
    since: '9.2',
    by: (revision) => ({
      ...revision,
      device: { ...revision.device, mmapAlignment: NEWEST.device.mmapAlignment },
    }),
  },
  // pci fact 4.2
  {
    since: '10.0',
    by: (revision) => ({ ...revision, pci: { ...revision.pci, decodesOutsideD0: false } }),
  },
];

/**
 * The revision that a QEMU is held to, with what the releases up to this one brought.
 *
 * @param version such as `7.2.22`.
 * @returns nothing where no revision describes this version.
 */
export function revisionOfVersion(version: string): Revision | undefined {
  const found = DESCRIBED.find(
    ({ from, before }) => !isReleaseBefore(version, from) && isReleaseBefore(version, before),
  );
  if (found === undefined) return undefined;
  const brought = BROUGHT.filter(
    ({ since }) => isReleaseBefore(found.from, since) && !isReleaseBefore(version, since),
  );
  return brought.reduce((revision, { by }) => by(revision), findRevision(found.id)!);
}

/**
 * Why a QEMU is not compared with the model.
 *
 * @param version such as `11.1.3`.
 * @returns nothing where a revision of the model describes this version.
 */
export const whyNotOfModel = (version: string): string | undefined =>
  revisionOfVersion(version) === undefined
    ? `the model describes QEMU 2.11 to 10.0 and ${NEWEST.id.slice('qemu-'.length)}, this is QEMU ${version}`
    : undefined;
