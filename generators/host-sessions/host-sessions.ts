import fc from 'fast-check';
import { hex } from '../../src/address/index.ts';
import { iommufdCalls } from './iommufd-calls.ts';
import { memslotCalls } from './memslot-calls.ts';
import { regionCalls } from './region-calls.ts';
import { spaprCalls } from './spapr-calls.ts';
import { type1Calls } from './type1-calls.ts';

/** The host that generated sessions are made for. */
export interface GeneratedHost {
  /** A release or a version of Linux, such as `6.12`. */
  readonly kernel: string;
  /** As `uname -m` says. */
  readonly arch: 'x86_64' | 'aarch64' | 'ppc64le';
  /** In bytes. */
  readonly pageSize: bigint;
  /** The name of an emulated IOMMU. */
  readonly iommu: string;
  /** Whether the kernel has iommufd; by default it has not. */
  readonly iommufd?: boolean | undefined;
}

/** The kinds of containers that the sessions use. */
export type GeneratedContainer = 'type1v2' | 'type1' | 'kvm' | 'region' | 'iommufd' | 'spapr-tce-v2';

const CALLS = {
  type1v2: type1Calls,
  type1: type1Calls,
  kvm: memslotCalls,
  region: regionCalls,
  iommufd: iommufdCalls,
  'spapr-tce-v2': spaprCalls,
} as const satisfies Record<GeneratedContainer, (page: bigint) => fc.Arbitrary<object>>;

const TYPE1_AND_KVM: readonly GeneratedContainer[] = ['type1v2', 'type1v2', 'type1', 'kvm', 'kvm', 'region'];

/** The containers of a host, the more important ones more often. */
export const containersOf = ({
  arch,
  iommufd = false,
}: Pick<GeneratedHost, 'arch' | 'iommufd'>): readonly GeneratedContainer[] =>
  arch === 'ppc64le'
    ? ['spapr-tce-v2']
    : [...TYPE1_AND_KVM, ...(iommufd ? (['iommufd', 'iommufd', 'iommufd'] as const) : [])];

/** Devices with a table in the middle of a BAR, with BARs below a page, and with several BARs. */
const DEVICES = [
  {
    bars: [
      { index: 0, size: '0x10000', type: 'mem64', prefetch: true },
      { index: 2, size: '0x800', type: 'mem32' },
      { index: 4, size: '0x20', type: 'io' },
    ],
    msix: { vectors: 16, table: { bir: 0, offset: '0x5200' }, pba: { bir: 0, offset: '0xd600' } },
  },
  {
    bars: [
      { index: 0, size: '0x1000', type: 'mem32' },
      { index: 2, size: '0x800', type: 'mem32' },
      { index: 4, size: '0x400', type: 'mem32' },
    ],
    msix: { vectors: 4, table: { bir: 2, offset: '0x0' }, pba: { bir: 4, offset: '0x0' } },
  },
  {
    bars: [
      { index: 0, size: '0x20000', type: 'mem32' },
      { index: 1, size: '0x20000', type: 'mem32' },
      { index: 3, size: '0x4000', type: 'mem32' },
    ],
    msix: { vectors: 5, table: { bir: 3, offset: '0x0' }, pba: { bir: 3, offset: '0x2000' } },
  },
] as const;

const withOpen = (open: boolean) => (device: object) => ({ ...device, open });

function devices(container: GeneratedContainer, page: bigint): fc.Arbitrary<object> {
  const simple = { bars: [{ index: 0, size: hex(4n * page), type: 'mem64' }] };
  switch (container) {
    case 'region':
      return fc.constantFrom(...DEVICES.map(withOpen(true)));
    case 'spapr-tce-v2':
      return fc.constant({ ...simple, open: false });
    // iommufd can bind and attach a device only through the device's open file.
    case 'iommufd':
      return fc.constantFrom(...[simple, simple, ...DEVICES].map(withOpen(true)));
    default:
      return fc.constantFrom(
        withOpen(true)(simple),
        withOpen(true)(simple),
        withOpen(false)(simple),
        ...DEVICES.map(withOpen(true)),
      );
  }
}

/** The number of mappings that a container of type1 takes. */
const entryLimits = fc.constantFrom(65535, 65535, 12, 5, 3, 2);

/** The argument of KVM_CREATE_VM: on arm64 the bits of a guest-physical address, of which 0 is 40. */
const machineTypes = (arch: GeneratedHost['arch']): fc.Arbitrary<number> =>
  arch === 'aarch64' ? fc.constantFrom(0, 0, 36, 42, 48) : fc.constant(0);

/**
 * Sessions of 10 to 40 host calls as JSON, biased to edges: what a file for `barproof host` holds in a line.
 *
 * @param containers those that the sessions use; by default the host's
 */
export const hostSessions = (
  { kernel, arch, pageSize, iommu, iommufd }: GeneratedHost,
  containers: readonly GeneratedContainer[] = containersOf({ arch, iommufd }),
): fc.Arbitrary<object> =>
  fc
    .constantFrom(...containers)
    .chain((container) =>
      fc.record({
        container: fc.constant(container),
        info: fc.record({
          device: devices(container, pageSize),
          ...(container.startsWith('type1') ? { dmaEntryLimit: entryLimits } : {}),
          ...(container === 'kvm' ? { vmType: machineTypes(arch) } : {}),
          ...(container === 'iommufd' ? { attached: fc.constantFrom(true, true, false) } : {}),
        }),
        calls: fc.array(CALLS[container](pageSize), { minLength: 10, maxLength: 40 }),
      }),
    )
    .map((session) => ({ kernel, arch, pageSize: hex(pageSize), iommu, ...session }));
