import { describe, expect, it } from 'vitest';
import { findNamedHost } from '../scenario/index.ts';
import { explain, explanationText } from './index.ts';
import type { DumpAnswer } from './mtree/explain-dump.ts';
import { pictureOf } from './picture/picture-of.ts';
import { FLAT, TREE } from './testing/texts.ts';

const dumpIn = (text: string, host?: string): DumpAnswer =>
  explain([{ name: 'text', text }], {
    host: host === undefined ? undefined : findNamedHost(host),
  }).answers.find((answer) => answer.kind === 'dump')!;

const fateOf = (answer: DumpAnswer, start: bigint) => {
  const { cpu, dma, slot, mapped } = answer.ranges.find(({ range }) => range.start === start)!;
  return { cpu, dma, slot, mapped };
};

describe('explain, for a dump of a machine with a passed-through device', () => {
  it('concludes the host from the names of regions, unless the user names one', () => {
    expect(dumpIn(FLAT).host?.host.id).toBe('server-46');
    expect(dumpIn(FLAT.replaceAll('pc.ram', 'mach-virt.ram')).host?.host.id).toBe('arm64-4k');
    expect(dumpIn(FLAT, 'laptop-39').host).toMatchObject({ host: { id: 'laptop-39' }, because: undefined });
  });

  it('shows what VFIO maps and KVM gets on a host with 4K pages: the rest of the page of the table is trapped', () => {
    const answer = dumpIn(FLAT);
    expect(fateOf(answer, 0x48_0004_0000n)).toMatchObject({ cpu: 'direct', dma: 'mapped' });
    expect(fateOf(answer, 0x48_0004_3000n)).toMatchObject({ cpu: 'trapped', dma: undefined });
    expect(fateOf(answer, 0x48_0004_3400n)).toEqual({
      cpu: 'direct in part',
      dma: 'mapped in part',
      slot: { start: 0x48_0004_4000n, end: 0x48_0004_8000n },
      mapped: { start: 0x48_0004_4000n, end: 0x48_0004_8000n },
    });
  });

  it('shows that on a host with 64K pages nothing of a BAR of 32 KiB is direct or mapped', () => {
    const answer = dumpIn(FLAT.replaceAll('pc.ram', 'mach-virt.ram'), 'arm64-64k');
    for (const start of [0x48_0004_0000n, 0x48_0004_3400n])
      expect(fateOf(answer, start)).toMatchObject({ cpu: 'trapped', dma: 'skipped' });
  });

  it('shows that an IOMMU of 39 bits refuses a BAR above it, and says why', () => {
    const high = FLAT.replaceAll('00000048000', '00003800000');
    const answer = dumpIn(high, 'laptop-39');
    const bar = answer.ranges.find(({ range }) => range.type === 'ramd')!;
    expect(bar).toMatchObject({ cpu: 'KVM refuses the slot', dma: 'refused' });
    expect(bar.whyNotMapped).toContain('IOMMU with 39 bits');
  });

  it('maps no BAR on pseries, and says so', () => {
    expect(dumpIn(FLAT, 'power9')).toMatchObject({ ranges: [] });
    expect(dumpIn(FLAT, 'power9').missing).toContain('no BAR is mapped for DMA');
  });

  it('finds nothing wrong with the view of QEMU', () => {
    expect(dumpIn(FLAT).viewFaults).toEqual([]);
  });

  it.each([
    ['overlap', FLAT.replace('000000007fffffff', '0000004800040fff'), /overlap/],
    ['should be joined', FLAT.replace('prio 0, rom): pc.ram', 'prio 0, ram): pc.ram'), /would join/],
    ['end before they begin', FLAT.replace('0000004800042fff', '0000004800030fff'), /ends before it begins/],
  ])('reports ranges that %s', (_, text, fault) => {
    expect(dumpIn(text).viewFaults.join('\n')).toMatch(fault);
  });
});

describe('explain, for tree and flat view of one machine', () => {
  it('finds them equal; a read-only alias of RAM is known only by the flat view', () => {
    const { differences } = dumpIn(`${TREE}\n${FLAT}`);
    expect(differences!.length).toBeGreaterThan(0);
    expect(differences!.every(({ unknowable }) => unknowable)).toBe(true);
    expect(explanationText(explain([{ name: 'text', text: TREE + FLAT }]), 'barproof')).toContain(
      'the tree renders to the flat view',
    );
  });

  it('reports a range that only one of them has', () => {
    const other = FLAT.replaceAll('0000004800', '0000004900');
    const real = dumpIn(TREE + other).differences!.filter(({ unknowable }) => !unknowable);
    expect(real.map(({ text }) => text).join('\n')).toMatch(/only the flat view has 0x4900040000/);
    expect(real.map(({ text }) => text).join('\n')).toMatch(/only the tree renders 0x4800040000/);
  });

  it('says of the tree alone that it does not know whether the alias is read-only', () => {
    expect(dumpIn(TREE).notes.join('\n')).toContain('"pam-rom" 0xc0000-0xc3fff');
  });
});

describe('explain, for a dump that shows little', () => {
  it('says that QEMU 2.8 prints no types, and maps nothing', () => {
    const text =
      'address-space: memory\n  0000000000000000-ffffffffffffffff (prio 0, RW): system\n    0000000000000000-0000000007ffffff (prio 0, RW): pc.ram\n';
    expect(dumpIn(text)).toMatchObject({ ranges: [], hasTypes: false });
    expect(dumpIn(text).missing).toContain('the types of the regions');
  });

  it('counts the regions of a tree without ranges', () => {
    const text =
      '(qemu) info mtree\naddress-space: memory\n  0000000000000000-ffffffffffffffff (prio 0, i/o): system\n\n(qemu)\n';
    expect(dumpIn(text).regions).toBe(1);
    expect(explanationText(explain([{ name: 'text', text }]), 'barproof')).toContain('The tree has 1 region');
  });
});

describe('explain, for a flat view whose ranges overlap', () => {
  const text =
    'FlatView #0\n AS "memory", root: system\n Root memory region: system\n' +
    '  0000000000000000-000000007fffffff (prio 0, ram): pc.ram\n' +
    '  0000000070000000-000000008fffffff (prio 0, ramd): 0000:01:00.0 BAR 1 mmaps[0]\n';

  it('names the overlap, and does not say what KVM and VFIO make of an impossible view', () => {
    const answer = dumpIn(text);
    expect(answer.viewFaults.join()).toContain('overlap');
    expect(answer.ranges).toEqual([]);
    expect(answer.missing).toContain('overlap');
  });

  it('draws the bytes that two ranges claim', () => {
    const picture = pictureOf(explain([{ name: 'text', text }]), undefined);
    expect(picture).toMatch(/class="mark-wrong"/);
    expect(picture).toContain('0x70000000-0x7fffffff');
  });
});

describe('explain takes seconds for', () => {
  it('a flat view of 50,000 ranges', () => {
    const ranges = Array.from({ length: 50_000 }, (_, index) => {
      const start = 0x1_0000_0000n + BigInt(index) * 0x10000n;
      const hex16 = (value: bigint): string => value.toString(16).padStart(16, '0');
      return `  ${hex16(start)}-${hex16(start + 0xffffn)} (prio 0, i/o): r${index}`;
    });
    const text = `FlatView #0\n AS "memory", root: system\n Root memory region: system\n${ranges.join('\n')}\n`;
    expect(dumpIn(text).view?.ranges).toHaveLength(50_000);
  }, 20_000);

  it('a log of 100,000 lines of one kind, of which it explains twenty', () => {
    const lines = Array.from(
      { length: 100_000 },
      (_, index) =>
        `vfio_dma_map(0x1, 0x${(0x80_0000_0000 + index * 0x2000).toString(16)}, 0x2000, 0x7f0000000000) = -22 (Invalid argument)`,
    );
    const { answers } = explain([{ name: 'text', text: lines.join('\n') }]);
    expect(answers).toHaveLength(20);
  }, 20_000);
});

describe('explain holds a tree to its flat view', () => {
  const both = (window: string): string => `address-space: memory
  0000000000000000-ffffffffffffffff (prio 0, container): system
    0000000000000000-000000003fffffff (prio 0, ram): board.ram
    0000000050000000-000000005fffffff (prio 0, i/o): ${window}
      0000000050000000-000000005fffffff (prio 0, i/o): bus
    0000000060000000-0000000060000fff (prio 0, i/o): empty bus

FlatView #0
 AS "memory", root: system
 Root memory region: system
  0000000000000000-000000003fffffff (prio 0, ram): board.ram
  0000000050000000-000000005fffffff (prio 0, i/o): window
`;
  const dumpOf = (text: string) => {
    const [answer] = explain([{ name: 'text', text }]).answers;
    if (answer?.kind !== 'dump') throw new Error('no dump');
    return { answer, text: explanationText({ answers: [answer] }, 'barproof') };
  };

  it('and takes from the flat view which i/o regions are containers: the tree does not say', () => {
    const { answer, text } = dumpOf(both('window'));
    expect(answer).toMatchObject({ differences: [], readsContainersOffView: true });
    expect(text).toContain('the tree renders to the flat view');
    expect(text).toContain('is taken from the flat view');
  });

  it('but not a region that the tree lacks', () => {
    const { answer } = dumpOf(both('another window'));
    expect(answer.differences!.map(({ text }) => text)).toEqual(
      expect.arrayContaining([
        expect.stringContaining('only the flat view has 0x50000000-0x5fffffff "window"'),
      ]),
    );
  });
});
