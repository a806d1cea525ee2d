import { afterAll, describe, expect, it } from 'vitest';
import { hex } from '../src/address/index.ts';
import { installedKernels, type InstalledKernel } from '../src/linux/boot/installed-kernels.ts';
import { LinuxHost } from '../src/linux/kernel/linux-host.ts';
import { answerOnModel } from '../src/linux/model/model-answers.ts';
import { decodeSession } from '../src/linux/session/decode-session.ts';
import type { HostSession } from '../src/linux/session/host-session.ts';
import { answerText } from '../src/report/host-session-text.ts';
import { whyNoLinux } from './testing/why-no-linux.ts';

/*
 * What Linux's own tests of VFIO claim (tools/testing/selftests/vfio, since 6.18), as sessions: the sizes of DMA
 * mappings, mappings at the end of the address space, and the mmap of a BAR as a source. The model answers them, and
 * each kernel that has the tests.
 */

const PAGE = 0x1000n;
const END = 1n << 64n;

const map = (iova: bigint, size: bigint, vaddr = 'ram+0x0') => ({
  ...{ call: 'map', iova: hex(iova), size: hex(size), vaddr, flags: 3 },
});
const unmap = (iova: bigint, size: bigint) => ({ call: 'unmap', iova: hex(iova), size: hex(size), flags: 0 });
const unmapAll = { call: 'unmap-all', iova: '0x0', size: '0x0', flags: 2 };
const unmapped = (size: bigint): string => `0 unmapped=${hex(size)}`;

const ioasMap = (iova: bigint, vaddr: string) => ({
  ...{ call: 'ioas-map', iova: hex(iova), size: hex(PAGE), vaddr, flags: 7 },
});
const ioasUnmap = (iova: bigint, size: bigint) => ({ call: 'ioas-unmap', iova: hex(iova), size: hex(size) });

interface Claim {
  readonly claim: string;
  readonly container: 'type1' | 'type1v2' | 'iommufd';
  readonly calls: readonly object[];
  readonly answers: readonly string[];
  /** The answers of kernels that lose a mapping which ends at 2^64 (host fact D2). */
  readonly answersBefore618?: readonly string[];
}

/** The claims that hold for both versions of type1. */
const claimsFor = (container: Claim['container']): Claim[] => [
  ...[PAGE, 16n * PAGE, 2n << 20n].map((size) => ({
    claim: `maps ${hex(size)} bytes, and unmaps exactly those`,
    container,
    calls: [map(0n, size), unmap(0n, size), unmap(0n, size)],
    answers: ['0', unmapped(size), unmapped(0n)],
  })),
  {
    claim: 'maps and unmaps the last page of the address space',
    container,
    calls: [map(END - PAGE, PAGE), unmap(END - PAGE, PAGE), unmap(END - PAGE, PAGE)],
    answers: ['0', unmapped(PAGE), unmapped(0n)],
    answersBefore618: ['0', unmapped(0n), unmapped(0n)],
  },
  {
    claim: 'unmaps all, with a mapping at the end of the address space',
    container,
    calls: [map(END - PAGE, PAGE), map(0n, PAGE), unmapAll, unmapAll],
    answers: ['0', '0', unmapped(2n * PAGE), unmapped(0n)],
    answersBefore618: ['0', '0', unmapped(0n), unmapped(0n)],
  },
  {
    claim: 'refuses ranges that wrap with EOVERFLOW',
    container,
    calls: [map(END - PAGE, 2n * PAGE), map(END - PAGE, PAGE), unmap(END - PAGE, 2n * PAGE)],
    answers: ['EOVERFLOW', '0', `EOVERFLOW unmapped=${hex(2n * PAGE)}`],
  },
  {
    claim: 'maps the mmap of a BAR, as a whole and in part',
    container,
    calls: [
      map(0n, 4n * PAGE, 'bar0+0x0'),
      map(0x10_0000n, PAGE, 'bar0+0x1000'),
      unmap(0n, 4n * PAGE),
      unmap(0x10_0000n, PAGE),
    ],
    answers: ['0', '0', unmapped(4n * PAGE), unmapped(PAGE)],
  },
];

/** The claims about iommufd: no mmap of a BAR is a source, but a dma-buf of the BAR is. */
const IOMMUFD_CLAIMS: Claim[] = [
  {
    claim: 'refuses the mmap of a BAR',
    container: 'iommufd',
    calls: [ioasMap(0n, 'bar0+0x0'), ioasMap(0n, 'ram+0x0')],
    answers: ['EFAULT', '0 mapped=0x0'],
  },
  {
    claim: 'maps the dma-buf of a BAR, as a whole and in part',
    container: 'iommufd',
    calls: [
      { call: 'export-dma-buf', name: 'bar', bar: 0, ranges: [['0x0', hex(4n * PAGE)]], flags: 0 },
      ...[
        { iova: '0x0', start: '0x0', size: hex(4n * PAGE) },
        { iova: '0x100000', start: hex(PAGE), size: hex(PAGE) },
      ].map((part) => ({ call: 'ioas-map-file', name: 'bar', flags: 7, ...part })),
      ioasUnmap(0n, 4n * PAGE),
      ioasUnmap(0x10_0000n, PAGE),
    ],
    answers: ['0', '0 mapped=0x0', '0 mapped=0x100000', unmapped(4n * PAGE), unmapped(PAGE)],
  },
  {
    claim: 'maps and unmaps the last page of the address space, and refuses ranges that wrap with EOVERFLOW',
    container: 'iommufd',
    calls: [
      ioasMap(END - PAGE, 'ram+0x0'),
      { ...ioasMap(END - PAGE, 'ram+0x0'), size: hex(2n * PAGE) },
      ioasUnmap(END - PAGE, 2n * PAGE),
      ioasUnmap(END - PAGE, PAGE),
    ],
    answers: [
      ...[`0 mapped=${hex(END - PAGE)}`, 'EOVERFLOW'],
      ...[`EOVERFLOW unmapped=${hex(2n * PAGE)}`, unmapped(PAGE)],
    ],
  },
];

const CLAIMS = [...claimsFor('type1'), ...claimsFor('type1v2'), ...IOMMUFD_CLAIMS];

/** The first kernel whose tests claim all of it, behind an IOMMU that translates 64 bits. */
const HOST = { kernel: '7.2', iommu: 'amd-v1' };

const sessionOf = ({ container, calls }: Claim, kernel: string): HostSession =>
  decodeSession({
    ...{ ...HOST, kernel, container, calls },
    info: { device: { open: true, bars: [{ index: 0, size: hex(4n * PAGE), type: 'mem64' }] } },
  });

describe("the claims of Linux's tests of VFIO", () => {
  it.each(CLAIMS)('$container $claim: the model', (claim) => {
    expect(answerOnModel(sessionOf(claim, HOST.kernel)).map(answerText)).toEqual(claim.answers);
  });

  it.each(CLAIMS.filter(({ answersBefore618 }) => answersBefore618 !== undefined))(
    '$container $claim: not the models of Linux 6.12 and 6.17, which lose such a mapping (host fact D2)',
    (claim) => {
      for (const kernel of ['6.12', '6.17'])
        expect(answerOnModel(sessionOf(claim, kernel)).map(answerText)).toEqual(claim.answersBefore618);
    },
  );
});

const installed = installedKernels().filter(
  ({ architecture, release }) => architecture === 'x86_64' && !release.startsWith('6.'),
);
const kernels: readonly { readonly name: string; readonly kernel?: InstalledKernel }[] =
  installed.length > 0 ? installed.map((kernel) => ({ name: kernel.name, kernel })) : [{ name: 'Linux 7' }];

/** In milliseconds. A boot under TCG takes 11 to 30 s on idle cores. */
const TIMEOUT = 300_000;

describe.each(kernels)('$name answers the claims as its tests do', ({ kernel }) => {
  const host = new LinuxHost({ kernels: kernel === undefined ? [] : [kernel] });
  afterAll(() => host.close());
  const reason = whyNoLinux(kernel);
  const skipped = reason === undefined ? '' : ` (skipped: ${reason})`;

  const asked = CLAIMS.filter(({ container }) => container !== 'iommufd' || kernel?.iommufd);

  it.skipIf(reason !== undefined).each(asked)(
    `$container $claim${skipped}`,
    { timeout: TIMEOUT },
    async (claim) => {
      const { answers } = await host.answer(sessionOf(claim, kernel!.release));
      expect(answers.map(answerText)).toEqual(claim.answers);
    },
  );
});
