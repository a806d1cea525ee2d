import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeRegression } from '../../campaign/index.ts';
import { violationsOf } from '../../invariants/index.ts';
import { runOnModel } from '../../model/index.ts';
import { findRevision } from '../../vfio/index.ts';
import { drawMemoryMap } from '../memory-map.ts';
import { guestMapSvg } from './guest-map-svg.ts';
import { mapOfTrace } from './map-of-trace.ts';

const mapOf = (revision: string, name = 'seed/cx4-64k.json') => {
  const file = new URL(`../../../regressions/${name}`, import.meta.url);
  const { scenario } = decodeRegression(JSON.parse(readFileSync(file, 'utf8')));
  const trace = runOnModel(scenario, findRevision(revision)!);
  return mapOfTrace(trace, violationsOf(trace)[0]);
};

describe('mapOfTrace, for the ConnectX-4 of the seed thread', () => {
  it('outlines the 8 KiB below the table, whose map the host refuses', () => {
    const { marks, columns } = mapOf('seed-v2');
    expect(marks).toMatchObject([{ start: 0x80_0000_0000n, end: 0x80_0000_2000n, tone: 'wrong' }]);
    const dma = columns.find(({ title }) => title === 'DMA')!;
    expect(dma.boxes.find(({ kind }) => kind === 'refused')).toMatchObject({
      start: 0x80_0000_0000n,
      end: 0x80_0000_2000n,
      label: 'map refused: EINVAL',
    });
    expect(columns.map(({ title }) => title)).toEqual([
      'BARs',
      'MSI-X',
      "QEMU's regions",
      'host, IOMMU pages',
      'CPU',
      'DMA',
    ]);
  });

  it('shows what QEMU 6.0 makes of it: whole pages are direct and mapped, the first is neither', () => {
    const { columns } = mapOf('qemu-6.0');
    const boxes = (title: string) =>
      columns.find((column) => column.title === title)!.boxes.filter(({ start }) => start >= 0x80_0000_0000n);
    const rest = { start: 0x80_0001_0000n, end: 0x80_0200_0000n };
    expect(boxes('CPU').filter(({ kind }) => kind === 'direct')).toMatchObject([rest]);
    expect(boxes('DMA').filter(({ kind }) => kind === 'mapped')).toMatchObject([rest]);
  });
});

describe('mapOfTrace, for a DMA map that is unaligned', () => {
  it.each([
    [
      'qemu-11.1',
      'known/map-aligned--device-memory-backing-unaligned.json',
      'host address',
      'iova and size are aligned',
    ],
    [
      'qemu-11.1',
      'known/map-aligned--ram-backing-unaligned.json',
      'host address',
      'iova and size are aligned',
    ],
    ['qemu-11.1', 'known/map-aligned--ram-range-unaligned.json', 'size', 'iova and host address are aligned'],
    ['seed-v2', 'revisions/seed-v2--map-aligned.json', 'iova, size and host address', undefined],
    ['seed-v2', 'seed/cx4-64k.json', 'size', 'iova'],
  ] as const)('%s names what is unaligned in %s: %s', (revision, file, names, rest) => {
    const { text, marks } = mapOf(revision, file);
    expect(marks[0]!.label).toMatch(new RegExp(`: ${names}$`));
    const sentence = text.find((one) => one.startsWith('Unaligned: '))!;
    for (const name of names.split(/, | and /)) expect(sentence).toMatch(new RegExp(`${name} 0x[0-9a-f]+`));
    if (rest !== undefined) expect(sentence).toContain(rest);
  });

  it('says nothing of alignment where all of it is aligned', () => {
    const { text } = mapOf('qemu-11.1', 'known/no-abort--dma-map-ram-EINVAL-out-of-reach.json');
    expect(text.join()).not.toContain('Unaligned');
  });
});

describe('mapOfTrace, for an mmap area that no whole memslot covers', () => {
  const { columns } = mapOf('qemu-11.1', 'known/map-aligned--device-memory-backing-unaligned.json');
  const boxesOf = (name: string) => columns.find(({ title }) => title === name)!.boxes;

  it('calls no region direct: what the memslots say is direct, and the rest is trapped', () => {
    const trapped = boxesOf('CPU').find(({ start }) => start === 0xfed0_0400n)!;
    expect(trapped).toMatchObject({ end: 0xfed0_1000n, kind: 'trapped' });
    expect(boxesOf("QEMU's regions").find(({ start }) => start === 0xfed0_0400n)!.kind).toBe('mmap');
    expect(boxesOf("QEMU's regions").map(({ kind }) => kind)).not.toContain('direct');
    expect(boxesOf('CPU').map(({ kind }) => kind)).not.toContain('mmap');
  });
});

it('mapOfTrace leaves the CPU out where a target shows no memslots', () => {
  const file = new URL('../../../regressions/seed/cx4-64k.json', import.meta.url);
  const { scenario } = decodeRegression(JSON.parse(readFileSync(file, 'utf8')));
  const trace = { ...runOnModel(scenario, findRevision('qemu-6.0')!), hidesMemslots: true as const };
  expect(mapOfTrace(trace, undefined).columns.map(({ title }) => title)).not.toContain('CPU');
});

describe('mapOfTrace, for a BAR that lies over the table of another device', () => {
  const { columns, marks } = mapOf('qemu-11.1', 'known/msix-trapped--shadowed-by-stretched-bar.json');

  it('names the device of each region', () => {
    const { boxes } = columns.find(({ title }) => title === "QEMU's regions")!;
    expect(boxes.map(({ label }) => label)).toEqual([
      'dev0 BAR 0 mmaps[0] (mmapped)',
      'dev0 base BAR 0 (emulated)',
      'dev1 BAR 0 mmaps[0] (mmapped)',
    ]);
  });

  it('has titles that fit above their column, and no line that ends between a number and its unit', () => {
    for (const { title, subtitle = '' } of columns) {
      expect(title.length, title).toBeLessThan(22);
      expect(subtitle.length, subtitle).toBeLessThan(22);
    }
    expect(marks[0]!.label).toContain(' 16\u00a0bytes');
  });
});

const KNOWN = new URL('../../../regressions/known/', import.meta.url);

describe('mapOfTrace, for each known bug of QEMU,', () => {
  it.each(readdirSync(KNOWN).filter((file) => file.endsWith('.json')))(
    '%s draws the device or the memory, and says of DMA what the text says',
    (file) => {
      const { scenario } = decodeRegression(JSON.parse(readFileSync(new URL(file, KNOWN), 'utf8')));
      const trace = runOnModel(scenario, findRevision(scenario.revision!)!);
      const [violation] = violationsOf(trace);
      const map = mapOfTrace(trace, violation);
      expect(map.columns.length).toBeGreaterThanOrEqual(2);
      expect(guestMapSvg(map).match(/<rect x=/g)!.length).toBeGreaterThan(map.columns.length);
      const rows = drawMemoryMap(trace, violation!);
      const skips = map.columns
        .filter(({ title }) => title === 'DMA')
        .flatMap(({ boxes }) => boxes)
        .filter(({ label }) => label.startsWith('skipped: '));
      for (const { start, label } of skips)
        expect(rows.find((row) => row.startsWith(`0x${start.toString(16)}-`))).toContain(
          label.replace(': ', ', '),
        );
      expect(rows.filter((row) => row.includes('skipped, ')).length).toBe(skips.length);
    },
  );
});

describe('mapOfTrace, where the guest has given no BAR an address,', () => {
  it.each([
    [
      'known/mmap-inside-bar--beyond-bar.json',
      '4 KiB of "mmap 0x0-0x1fff" lie beyond the BAR',
      0x1000n,
      0x2000n,
    ],
    ['known/no-abort--bar-size-assertion.json', 'the size 0x3000 is no power of two', 0n, 0x3000n],
    ['known/no-abort--hotplug-refusal-segfault.json', 'table and PBA overlap', 0n, 8n],
    ['known/no-abort--msix-unplug-assertion.json', 'msix unplug assertion: about this part', 0x10n, 0x18n],
  ] as const)('%s marks: %s', (name, label, start, end) => {
    const map = mapOf('qemu-11.1', name);
    expect(map.marks).toEqual([{ label, start, end, tone: 'wrong' }]);
    expect(map.starts).toEqual([{ start: 0n, name: 'dev0 BAR 0' }]);
    expect(guestMapSvg(map)).toContain('>dev0 BAR 0+0x0<');
  });

  it('marks the RAM that a step adds, where no device has a BAR', () => {
    expect(mapOf('qemu-11.1', 'known/no-abort--memory-registration-EINVAL.json').marks).toMatchObject([
      { start: 0x1000_0000n, end: 0x1000_1000n },
    ]);
  });
});
