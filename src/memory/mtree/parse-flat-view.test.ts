import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MtreeSyntaxError } from './mtree-syntax-error.ts';
import { parseFlatViews } from './parse-flat-view.ts';

const machines = ['q35', 'pc', 'virt', 'pseries', 'q35-devices'] as const;

const readFixture = (name: string): string =>
  readFileSync(new URL(`./fixtures/${name}.txt`, import.meta.url), 'utf8');

const head = 'FlatView #0\n AS "memory", root: system\n Root memory region: system\n';
const range = '  0000000000000000-0000000000000fff (prio 0, ram): ';
const only = (suffix: string) => parseFlatViews(`${head}${range}${suffix}\n`)[0]!.ranges[0]!;

describe('parseFlatViews on dumps of QEMU 11.1.3', () => {
  it('reads spaces, roots and ranges', () => {
    const views = parseFlatViews(readFixture('q35-devices.flat'));
    expect(views.map(({ number }) => number)).toEqual(views.map((_, index) => index));
    const memory = views.find(({ spaces }) => spaces.some(({ name }) => name === 'memory'))!;
    expect(memory.root).toBe('system');
    expect(memory.spaces).toContainEqual({ name: 'cpu-memory-0', root: 'system' });
    expect(memory.ranges).toContainEqual({
      start: 0xe0000n,
      end: 0xfffffn,
      priority: 0,
      type: 'rom',
      nonvolatile: false,
      name: 'pc.bios',
      offset: 0x20000n,
      accelerators: [],
    });
    expect(memory.ranges).toContainEqual(
      expect.objectContaining({ name: 'm1', type: 'ram', nonvolatile: true }),
    );
    const empty = views.find(({ root }) => root === undefined)!;
    expect(empty.ranges).toEqual([]);
    expect(empty.spaces.length).toBeGreaterThan(3);
    expect(empty).not.toHaveProperty('root');
  });

  it.each(machines)('reads the dump of %s the same with CR LF', (machine) => {
    const text = readFixture(`${machine}.flat`);
    expect(parseFlatViews(text.replaceAll('\n', '\r\n'))).toEqual(parseFlatViews(text));
  });

  it('reads the owners of -o and skips the dispatch tree of -d', () => {
    const [plain, owners, dispatch] = ['flat', 'flat-owners', 'flat-dispatch'].map((name) =>
      parseFlatViews(readFixture(`pseries.${name}`)),
    );
    const ranges = (views: typeof plain) =>
      views!.flatMap((view) => view.ranges.map(({ name, start }) => [name, start]));
    expect(ranges(owners).toSorted()).toEqual(ranges(plain).toSorted());
    const msi = owners!.flatMap((view) => view.ranges).find(({ name }) => name === 'msi');
    expect(msi!.owner).toBe('dev path=/machine/unattached/device[4]');
    expect(dispatch!.map(({ root, ranges: { length } }) => [root, length])).toEqual([
      ['pci@800000020000000.iommu-root', 2],
      ['io', 1],
    ]);
  });
});

describe('parseFlatViews', () => {
  it('accepts an empty text, and text without a last newline', () => {
    expect(parseFlatViews('')).toEqual([]);
    expect(parseFlatViews(`${head}${range}r`)).toHaveLength(1);
    expect(parseFlatViews(`${head}${range}r\n${head}`)).toHaveLength(2);
  });

  it('reads aliases at the root and names with quotes', () => {
    const text = (line: string) =>
      parseFlatViews(`FlatView #3\n${line}\n Root memory region: (none)\n  No rendered FlatView\n\n`);
    expect(text(' AS "a "b"", root: r, alias t')[0]).toEqual({
      number: 3,
      spaces: [{ name: 'a "b"', root: 'r', alias: 't' }],
      ranges: [],
    });
  });

  it('separates name, offset, owners and accelerators', () => {
    expect(only('r @000000000000e600')).toMatchObject({ name: 'r', offset: 0xe600n });
    expect(only('r @e600')).toMatchObject({ name: 'r @e600', offset: 0n });
    expect(only('r kvm kvm')).toMatchObject({ name: 'r', accelerators: ['kvm', 'kvm'] });
    expect(only('r @000000000000e600 owner:{dev id=x} parent:{obj path=/y} KVM')).toMatchObject({
      name: 'r',
      offset: 0xe600n,
      owner: 'dev id=x',
      parent: 'obj path=/y',
      accelerators: ['KVM'],
    });
    expect(only('r kvm-accel')).toMatchObject({ name: 'r', accelerators: ['kvm-accel'] });
    expect(only('r kvm:tcg')).toMatchObject({ name: 'r', accelerators: ['kvm:tcg'] });
    expect(only('kvm')).toMatchObject({ name: 'kvm', accelerators: [] });
    expect(only('a kvmvapic')).toMatchObject({ name: 'a kvmvapic', accelerators: [] });
  });

  it.each([
    ['nonsense', 1, '"FlatView #N"'],
    [`FlatView #0\n${range}r`, 2, 'AS "NAME", root: NAME'],
    [`FlatView #0\n AS "a", root: b\n\n`, 3, 'Root memory region: NAME'],
    [`FlatView #0\n AS "a", root: b`, 3, 'Root memory region: NAME'],
    [`FlatView #0\nb`, 2, '"AS "NAME", root: NAME" or "Root memory region: NAME"'],
    [`${head}  0000-0fff (prio 0, ram): r`, 4, 'START-END'],
    [`${head}${range.trimStart()}r`, 4, 'START-END'],
    [`${head}> ${range.trimStart()}r`, 4, 'START-END'],
    [`${head}  No rendered FlatView\n${range}r`, 5, 'a blank line'],
    [`${head}${range}r\n  No rendered FlatView`, 5, 'START-END'],
    [`${head}${range}r\n  Dispatch\n    Physical sections\n  more`, 7, 'dispatch'],
  ])('refuses %j', (text, lineNumber, expected) => {
    expect.assertions(3);
    try {
      parseFlatViews(text);
    } catch (error) {
      expect(error).toBeInstanceOf(MtreeSyntaxError);
      expect((error as MtreeSyntaxError).lineNumber).toBe(lineNumber);
      expect((error as MtreeSyntaxError).expected).toContain(expected);
    }
  });
});
