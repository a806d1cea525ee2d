import { describe, expect, it } from 'vitest';
import { explain, explanationText } from '../index.ts';
import { DISTORTIONS, FLAT, TREE } from '../testing/texts.ts';
import type { DumpAnswer } from './explain-dump.ts';

const dumpIn = (text: string): DumpAnswer => {
  const answer = explain([{ name: 'text', text }]).answers.find(({ kind }) => kind === 'dump');
  if (answer?.kind !== 'dump') throw new Error('no dump');
  return answer;
};
const CUT = 'the text ends in the middle of';
const namesIn = ({ view }: DumpAnswer): readonly string[] => view?.ranges.map(({ name }) => name) ?? [];
const cutAfter = (text: string, words: string): string => text.slice(0, text.indexOf(words) + words.length);

const ARM = `address-space: cpu-memory-0
address-space: memory
  0000000000000000-ffffffffffffffff (prio 0, container): system
    0000000000000000-0000000003ffffff (prio 0, romd): virt.flash0
    0000000008000000-0000000008000fff (prio 0, i/o): gic_dist
    0000000040000000-00000000bfffffff (prio 0, ram): mach-virt.ram

address-space: smmuv3-iommu-memory-region-0-0
  0000000000000000-ffffffffffffffff (prio 0, container): smmuv3-iommu-memory-region-0-0

FlatView #0
 AS "virtio-pci-cfg-mem-as", root: virtio-pci
 Root memory region: virtio-pci
  0000000000000000-0000000000000fff (prio 0, i/o): virtio-pci-common

FlatView #1
 AS "memory", root: system
 AS "cpu-memory-0", root: system
 Root memory region: system
  0000000000000000-0000000003ffffff (prio 0, romd): virt.flash0
  0000000040000000-00000000bfffffff (prio 0, ram): mach-virt.ram

`;

describe('explain, for a dump that is cut,', () => {
  it.each([
    ['in the first address', '(prio 0, ramd): 0000:c8:00.0 BAR 0 mmaps[0] KVM\n  00000048000'],
    ['in the second address', '  0000004800043000-0000004'],
    ['in front of the priority', '  0000004800043000-00000048000433ff'],
    ['in the priority', '  0000004800043000-00000048000433ff (prio 0, i/'],
    ['in front of the name', '  0000004800043000-00000048000433ff (prio 0, i/o):'],
  ])('%s, leaves the names above as they are, and says so', (_, words) => {
    const answer = dumpIn(cutAfter(FLAT, words));
    expect(answer.notes.join()).toContain(CUT);
    expect(namesIn(answer)).toEqual(['pc.ram', 'pc.ram', 'pc.ram', '0000:c8:00.0 BAR 0 mmaps[0]']);
  });

  it.each([
    '\nFlatView #1',
    '\nFlatV',
    '\nFlatView #1\n AS "gpex-ro',
    '\nFlatView #1\n AS "I/O", root: io\n Root mem',
  ])('behind %j, says so', (rest) => {
    const answer = dumpIn(`${FLAT.trimEnd()}\n${rest}`);
    expect(answer.notes.join()).toContain(CUT);
    expect(namesIn(answer)).toEqual(namesIn(dumpIn(FLAT)));
  });

  it.each(['@pc.ram', '@pc.ram 00000000000c0000-', '@pc.ram 00000000000c0000-0000000'])(
    'in the alias %s, leaves the alias out',
    (words) => {
      const answer = dumpIn(TREE.slice(0, TREE.lastIndexOf('@pc.ram')) + words);
      expect(answer.notes.join()).toContain(CUT);
      expect(answer.faults).toEqual([]);
      expect(namesIn(answer)).not.toContain('pam-rom');
    },
  );

  it.each(
    Object.entries({ TREE, FLAT, ARM, both: `${TREE}\n${FLAT}` }).flatMap(([name, text]) =>
      ['', ...Object.keys(DISTORTIONS)].map((form) => [name, form, text] as const),
    ),
  )('never says so of the whole %s with %s', (_, form, text) => {
    const pasted = DISTORTIONS[form]?.(text) ?? text;
    expect(dumpIn(pasted).notes.join()).not.toContain(CUT);
  });

  it('takes the machine from the tree where the flat view of memory is cut off, and compares nothing', () => {
    const answer = dumpIn(cutAfter(ARM, 'virtio-pci-common\n\nFlatView #1\n AS "mem'));
    expect(answer.host).toMatchObject({ host: { id: 'arm64-4k' } });
    expect(answer.differences).toBeUndefined();
    expect(namesIn(answer)).toContain('mach-virt.ram');
    expect(explanationText({ answers: [answer] }, 'barproof')).not.toContain('two moments');
  });

  it('takes the map from the tree where its flat view ends within', () => {
    const answer = dumpIn(
      cutAfter(ARM, '(prio 0, romd): virt.flash0\n  0000000040000000-0000'.replace(/^/, '')),
    );
    expect(answer.view).toMatchObject({ source: 'tree' });
    expect(namesIn(answer)).toContain('mach-virt.ram');
  });

  it('and compares them where neither is cut', () => {
    expect(dumpIn(ARM).differences).toBeDefined();
  });
});

describe('explain says which address space devices use:', () => {
  it.each([
    ['smmuv3-iommu-memory-region-0-0', 'SMMUv3'],
    ['vtd-root', 'intel-iommu'],
    ['amdvi_root', 'amd-iommu'],
    ['virtio-iommu-memory-region-8-0', 'virtio-iommu'],
  ])('behind a vIOMMU with %s, not memory', (region, name) => {
    const text = `${FLAT}FlatView #1\n AS "nvme", root: ${region}\n Root memory region: ${region}\n  0000000000000000-ffffffffffffffff (prio 0, i/o): ${region}\n\n`;
    const notes = dumpIn(text).notes.join();
    expect(notes).toContain(`vIOMMU (${name})`);
    expect(notes).toContain('not in `memory`');
    expect(dumpIn(FLAT).notes.join()).not.toContain('vIOMMU');
  });

  it('VFIO does not listen to that of system management mode', () => {
    const answer = dumpIn(
      FLAT.replace(' AS "memory", root: system\n', '').replace('cpu-memory-0', 'KVM-SMRAM'),
    );
    expect(answer.ranges.every(({ dma }) => dma === undefined)).toBe(true);
    expect(answer.ranges[0]!.cpu).toBe('direct');
    expect(answer.notes.join()).toContain('VFIO does not listen');
  });

  it('a powernv machine is POWER', () => {
    const answer = dumpIn(
      'address-space: memory\n  0000000000000000-ffffffffffffffff (prio 0, i/o): system\n    0000000000000000-000000003fffffff (prio 0, ram): pnv.ram\n',
    );
    expect(answer.host).toMatchObject({ host: { id: 'power9', hostPageSize: 0x1_0000n } });
    expect(answer.missing).toContain('POWER');
  });
});
