import { form5_1 } from '../memory/index.ts';
import { findRevision, NEWEST, type Revision } from '../vfio/index.ts';
import { isReleaseBefore, releaseOf } from './process/release.ts';

const NEWEST_RELEASE = NEWEST.id.slice('qemu-'.length);

/** The revisions that describe releases: each from its release on, up to the release `before`. */
const DESCRIBED: readonly { readonly id: string; readonly from: string; readonly before: string }[] = [
  { id: 'qemu-2.11', from: '2.11', before: '2.12' },
  { id: 'qemu-2.12', from: '2.12', before: '6.0' },
  { id: 'qemu-6.0', from: '6.0', before: '10.1' },
  { id: NEWEST.id, from: NEWEST_RELEASE, before: '11.2' },
];

/** What a release brought to the rules of the release before, by their groups. */
interface Brought {
  readonly since: string;
  readonly device?: Partial<Revision['device']>;
  readonly machine?: Partial<Revision['machine']>;
  readonly memslots?: Partial<Revision['memslots']>;
  readonly pci?: Partial<Revision['pci']>;
  readonly whole?: Partial<Pick<Revision, 'mtree' | 'iommus' | 'dmaMapFunction'>>;
}

/** What came between two revisions, oldest first. */
const BROUGHT: readonly Brought[] = [
  // machine fact 11.5
  { since: '3.1', machine: { xive: true } },
  // vfio fact 5.7
  { since: '4.1', device: { toleratesPbaBeyondBarWhenRelocated: true } },
  // memory fact 8.9
  { since: '5.1', whole: { mtree: form5_1 } },
  // vfio fact 5.7
  { since: '6.1', device: { correctPbaOffset: NEWEST.device.correctPbaOffset } },
  // machine fact 11.7
  { since: '7.1', machine: { avoidsHyperTransport: true, checksPhysBits: true } },
  // vfio fact 9.5
  { since: '8.0', memslots: { update: 'at-commit' } },
  // vfio fact 5.22
  { since: '8.1', device: { hotplugMsixRefusal: 'reported' } },
  // QEMU commit ee42b261b0fe brought iommufd, b08501a99969 the other name of the function
  {
    since: '9.0',
    whole: { iommus: ['type1', 'spapr-tce-v2', 'iommufd'], dmaMapFunction: NEWEST.dmaMapFunction },
  },
  // vfio fact 5.3
  { since: '9.2', device: { mmapAlignment: NEWEST.device.mmapAlignment } },
  // pci fact 4.2
  { since: '10.0', pci: { decodesOutsideD0: false } },
];

const withBrought = (revision: Revision, { device, machine, memslots, pci, whole }: Brought): Revision => ({
  ...revision,
  ...whole,
  device: { ...revision.device, ...device },
  machine: { ...revision.machine, ...machine },
  memslots: { ...revision.memslots, ...memslots },
  pci: { ...revision.pci, ...pci },
});

/**
 * The revision that a QEMU is held to, with what the releases up to this one brought.
 *
 * @param version such as `7.2.22`; of development, such as `10.0.94`, the revision of the release that it leads to.
 * @returns nothing where no revision describes this version.
 */
export function revisionOfVersion(version: string): Revision | undefined {
  // The development after the newest release is held to that release: none that it leads to is described.
  const found = version.startsWith(`${NEWEST_RELEASE}.`)
    ? DESCRIBED.at(-1)
    : DESCRIBED.find(
        ({ from, before }) => !isReleaseBefore(version, from) && isReleaseBefore(version, before),
      );
  if (found === undefined) return undefined;
  const brought = BROUGHT.filter(
    ({ since }) => isReleaseBefore(found.from, since) && !isReleaseBefore(version, since),
  );
  return brought.reduce(withBrought, findRevision(found.id)!);
}

/**
 * Why a QEMU is not compared with the model.
 *
 * @param version such as `11.1.3`.
 * @returns nothing where a revision of the model describes this version.
 */
export function whyNotOfModel(version: string): string | undefined {
  if (revisionOfVersion(version) !== undefined) return undefined;
  const release = releaseOf(version);
  const belongs = version.startsWith(`${release}.`) ? '' : `, of the development of ${release}`;
  return `the model describes QEMU 2.11 to 10.0 and ${NEWEST_RELEASE}, this is QEMU ${version}${belongs}`;
}
