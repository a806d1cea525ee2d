import { describe, expect, it } from 'vitest';
import { END_OF_SPACE } from '../../address/index.ts';
import { effectiveRoot } from '../address-space.ts';
import { form10, form11, form2_11, form5_1 } from './mtree-form.ts';
import type { MtreeRegion, MtreeText } from './mtree-region.ts';
import { parseTree } from './parse-tree.ts';
import { printFlatViews } from './print-flat-view.ts';
import { printTree } from './print-tree.ts';
import { rebuildTree } from './rebuild-tree.ts';
import type { RebuildOptions } from './rebuild-options.ts';

const rebuild = (text: string, options: RebuildOptions = {}) => rebuildTree(parseTree(text), options);

/** The ranges of the first address space, as `name start-end`. */
const ranges = (text: string, options: RebuildOptions = {}): string[] =>
  rebuild(text, options).topology.addressSpaces[0]!.view.ranges.map(
    ({ region, start, end }) => `${region.name} ${start.toString(16)}-${(end - 1n).toString(16)}`,
  );

const line = (level: number, range: string, kind: string, name: string): string => {
  const [start, end] = range.split('-').map((digits) => digits.padStart(16, '0'));
  return `${'  '.repeat(level)}${start}-${end} (${kind}): ${name}\n`;
};
const whole = 'ffffffffffffffff';

describe('rebuildTree', () => {
  it('places regions relative to their containers', () => {
    const text =
      `address-space: memory\n${line(1, `0-${whole}`, 'prio 0, container', 'system')}` +
      line(2, '1000-1fff', 'prio -1, i/o', 'bar') +
      line(3, '1800-18ff', 'prio 2, nv-ram', 'mmap');
    const { topology } = rebuild(text);
    const system = topology.addressSpaces[0]!.root;
    expect(system).toMatchObject({ name: 'system', kind: 'container', size: END_OF_SPACE, address: 0n });
    const bar = system.subregions[0]!;
    expect(bar).toMatchObject({
      name: 'bar',
      kind: 'container',
      size: 0x1000n,
      address: 0x1000n,
      priority: -1,
    });
    expect(bar.subregions[0]).toMatchObject({
      name: 'mmap',
      kind: 'ram',
      size: 0x100n,
      address: 0x800n,
      priority: 2,
      nonvolatile: true,
    });
  });

  it('takes an i/o region for a container if regions lie below it, or if it is the root of a space', () => {
    const text =
      `address-space: memory\n${line(1, '0-ffff', 'prio 0, i/o', 'system')}` +
      line(2, '0-fff', 'prio 0, i/o', 'leaf') +
      line(2, '1000-1fff', 'prio 0, i/o', 'holder') +
      line(3, '1000-10ff', 'prio 0, romd', 'flash') +
      `\naddress-space: other\n${line(1, '0-f', 'prio 0, i/o', 'nothing')}`;
    expect(ranges(text)).toEqual(['leaf 0-fff', 'flash 1000-10ff']);
    expect(rebuild(text).topology.addressSpaces[1]!.root.kind).toBe('container');
    const asked: string[] = [];
    const terminates = ({ name }: MtreeRegion): boolean => {
      asked.push(name);
      return name === 'holder';
    };
    expect(ranges(text, { terminates })).toEqual(['flash 1000-10ff', 'holder 1100-1fff']);
    expect(asked.toSorted()).toEqual(['holder', 'leaf', 'nothing', 'system']);
  });

  it('puts the sibling that starts later on top, and keeps the order of equal starts', () => {
    const text =
      `address-space: memory\n${line(1, '0-ffff', 'prio 0, i/o', 'root')}` +
      line(2, '0-1fff', 'prio 0, ramd', 'first') +
      line(2, '0-2fff', 'prio 0, ramd', 'second') +
      line(2, '1000-10ff', 'prio 0, i/o', 'table') +
      line(2, '1000-1fff', 'prio -1, i/o', 'below');
    expect(ranges(text)).toEqual(['first 0-fff', 'table 1000-10ff', 'first 1100-1fff', 'second 2000-2fff']);
    expect(ranges(text, { siblingOrder: (siblings) => siblings })).toEqual([
      'first 0-1fff',
      'second 2000-2fff',
    ]);
  });

  it('gives an alias with equal start and end no byte, and another region one byte', () => {
    const text =
      `address-space: memory\n${line(1, '0-ffff', 'prio 0, i/o', 'root')}` +
      line(2, '0-0', 'prio 0, i/o', 'port') +
      line(2, '1-1', 'prio 0, i/o', `alias window @pci ${'0'.repeat(16)}-${'0'.repeat(16)}`) +
      `\nmemory-region: pci\n${line(1, '0-ffff', 'prio 0, i/o', 'pci')}`;
    const { root } = rebuild(text).topology.addressSpaces[0]!;
    expect(root.subregions.map(({ name, size }) => [name, size])).toEqual([
      ['window', 0n],
      ['port', 1n],
    ]);
  });

  it('keeps owners, disabled regions and sizes of 2^64 at an offset', () => {
    const text =
      `address-space: memory\n${line(1, '0-ffff', 'prio 0, i/o', 'root owner:{dev id=d}')}` +
      line(2, '600000000-5ffffffff', 'prio 0, i/o', 'wide [disabled] orphan');
    const { root } = rebuild(text).topology.addressSpaces[0]!;
    expect(root.owner).toBe('dev id=d');
    expect(root.subregions[0]).toMatchObject({ size: END_OF_SPACE, enabled: false, owner: undefined });
  });

  it('gives a root its address, and a hidden container if it has a priority', () => {
    const text = `memory-region: pc.bios\n${line(1, 'fffc0000-ffffffff', 'prio 0, rom', 'pc.bios')}
memory-region: pci\n${line(1, `0-${whole}`, 'prio -1, i/o', 'pci')}`;
    const { sections, topology } = rebuild(text);
    expect(topology.addressSpaces).toEqual([]);
    expect(sections[0]).toMatchObject({
      name: 'pc.bios',
      address: 0xfffc0000n,
      container: undefined,
      readonly: true,
    });
    expect(sections[1]).toMatchObject({ name: 'pci', priority: -1 });
    expect(sections[1]!.container!.name).toBe('(hidden)');
  });

  it('knows from the type container in other lines, or from the form, that an i/o root lies in a container', () => {
    const text = `address-space: a\n${line(1, '0-f', 'prio 0, i/o', 'in')}`;
    const more = `\naddress-space: b\n${line(1, '0-f', 'prio 1, container', 'out')}`;
    const containers = (dump: string, options: RebuildOptions = {}) =>
      rebuild(dump, options).topology.addressSpaces.map(({ root }) => root.container?.name);
    expect(containers(text)).toEqual([undefined]);
    expect(containers(text, { form: form10 })).toEqual([undefined]);
    expect(containers(text, { form: form11 })).toEqual(['(hidden)']);
    expect(containers(text + more)).toEqual(['(hidden)', undefined]);
    expect(rebuild(text + more).topology.addressSpaces[1]!.root.priority).toBe(1);
  });
});

describe('rebuildTree, for a region without a line below it,', () => {
  const leaves =
    line(2, '0-f', 'prio 0, container', 'empty') +
    line(2, '10-1f', 'prio 0, i/o', 'registers') +
    line(2, '20-2f', 'prio 0, ram', 'ram');
  const space = (more = '') =>
    `address-space: a\n${line(1, `0-${whole}`, 'prio 0, container', 'root')}${leaves}${more}`;

  it.each([
    ['if disabled regions have lines', line(2, '30-3f', 'prio 0, ram', 'off [disabled]')],
    ['if they have none', ''],
  ])('goes by its type: a container answers nothing, %s', (_, more) => {
    expect(ranges(space(more))).toEqual(['registers 10-1f', 'ram 20-2f']);
  });

  it('takes a hidden region for a container, which answers nothing', () => {
    const text = `address-space: a\n${line(1, `0-${whole}`, 'prio 0, container', 'root')}${line(3, '0-f', 'prio 0, ram', 'ram')}`;
    const [hidden] = rebuild(text).topology.addressSpaces[0]!.root.subregions;
    expect(hidden).toMatchObject({ name: '(hidden)', kind: 'container', enabled: false });
  });
});

describe('rebuildTree, for a root in the form of QEMU 11,', () => {
  it.each([
    ['i/o', 'r', '(hidden)'],
    ['ram', 'r', undefined],
    ['i/o', `alias r @t ${'0'.repeat(16)}-000000000000000f`, undefined],
  ])('of the type %s, named %s, makes the container %s', (type, name, container) => {
    const text = `address-space: a\n${line(1, '0-f', `prio 0, ${type}`, name)}`;
    const [space] = rebuild(text, { form: form11 }).topology.addressSpaces;
    expect(space!.root.container?.name).toBe(container);
  });
});

describe('rebuildTree, if a tree occurs more than once,', () => {
  const system = line(1, '0-ffff', 'prio 0, i/o', 'system') + line(2, '100-1ff', 'prio 0, ram', 'ram');

  it('takes a section for the equal part of another tree', () => {
    const text =
      `address-space: memory\n${line(1, '0-ffff', 'prio 0, container', 'system')}` +
      line(2, '0-ff', 'prio 0, i/o', 'window') +
      line(2, '1000-1fff', 'prio 0, i/o', 'pci') +
      line(3, '1800-18ff', 'prio 1, i/o', 'bar') +
      line(2, '2000-20ff', 'prio 0, i/o', `alias low @pci ${'0'.repeat(13)}800-${'0'.repeat(13)}8ff`) +
      `\nmemory-region: pci\n${line(1, '1000-1fff', 'prio 0, i/o', 'pci')}${line(2, '1800-18ff', 'prio 1, i/o', 'bar')}`;
    const parsed = parseTree(text);
    const { topology, sections, regionOf } = rebuildTree(parsed);
    const root = topology.addressSpaces[0]!.root;
    expect(sections[0]).toBe(root.subregions.find(({ name }) => name === 'pci'));
    expect(sections[0]!.aliasedBy.map(({ name }) => name)).toEqual(['low']);
    expect(regionOf(parsed.sections[0]!.root.children[0]!)).toBe(sections[0]!.subregions[0]);
    expect(printTree(topology.addressSpaces, form11)).toBe(`${text}\n`);
  });

  it('makes one root for equal address spaces, unless the text groups spaces by root', () => {
    const text = `address-space: memory\n${system}\naddress-space: cpu-memory-0\n${system}`;
    const roots = (options: RebuildOptions, dump = text) =>
      new Set(rebuild(dump, options).topology.addressSpaces.map(({ root }) => root)).size;
    expect(roots({})).toBe(1);
    expect(roots({ form: form5_1 })).toBe(1);
    expect(roots({ form: form10 })).toBe(2);
    expect(roots({}, `${text}\naddress-space: a\naddress-space: b\n${system}`)).toBe(3);
  });

  it('makes two roots if neither has a line', () => {
    const { addressSpaces } = rebuild('address-space: a\n\naddress-space: b\n\n').topology;
    expect(addressSpaces.map(({ root }) => root.enabled)).toEqual([false, false]);
    expect(addressSpaces[0]!.root).not.toBe(addressSpaces[1]!.root);
  });

  it('makes a region for each of two equal sections', () => {
    const alias = (target: string) => `alias w @${target} ${'0'.repeat(16)}-${'0'.repeat(15)}f`;
    const text =
      `address-space: memory\n${line(1, '0-ffff', 'prio 0, container', 'system')}` +
      line(2, '0-f', 'prio 0, container', alias('pci')) +
      line(2, '10-1f', 'prio 0, container', alias('pci')) +
      `\nmemory-region: pci\n${line(1, `0-${whole}`, 'prio 0, container', 'pci')}` +
      `\nmemory-region: pci\n${line(1, `0-${whole}`, 'prio 0, container', 'pci')}\n`;
    const { sections, topology } = rebuild(text);
    expect(sections[0]).not.toBe(sections[1]);
    expect(sections.map(({ aliasedBy }) => aliasedBy[0]!.address)).toEqual([0n, 0x10n]);
    expect(printTree(topology.addressSpaces, form11)).toBe(text);
  });
});

describe('rebuildTree', () => {
  const alias = (name: string, target: string, start = '0', end = 'f') =>
    `alias ${name} @${target} ${start.padStart(16, '0')}-${end.padStart(16, '0')}`;
  const space = (...children: string[]) =>
    `address-space: memory\n${line(1, '0-ffff', 'prio 0, container', 'system')}${children.join('')}\n`;
  const section = (name: string, type: string, ...children: string[]) =>
    `memory-region: ${name}\n${line(1, '0-ffff', `prio 0, ${type}`, name)}${children.join('')}\n`;
  const targetsOf = (text: string): unknown[] => {
    const { sections, topology } = rebuild(text);
    return topology.addressSpaces[0]!.root.subregions.filter((region) => region.alias !== undefined).map(
      ({ name, alias: shown }) => [name, sections.indexOf(shown!.region)],
    );
  };

  it('prefers as target the section with the type of the alias', () => {
    const text =
      space(
        line(2, '0-f', 'prio 0, ram', alias('a', 'x')),
        line(2, '10-1f', 'prio 0, ram', alias('b', 'x')),
        line(2, '20-2f', 'prio 0, rom', alias('c', 'x')),
      ) +
      section('x', 'ram') +
      section('x', 'rom');
    expect(targetsOf(text)).toEqual([
      ['c', 1],
      ['b', 0],
      ['a', 0],
    ]);
  });

  it('prefers as target a section with a region in the part that the alias shows', () => {
    const text =
      space(
        line(2, '0-f', 'prio 0, container', alias('a', 'x', '100', '10f')),
        line(2, '10-1f', 'prio 0, container', alias('b', 'x', '100', '10f')),
        line(2, '20-2f', 'prio 0, container', alias('c', 'x', '200', '20f')),
      ) +
      section('x', 'container', line(2, '100-107', 'prio 1, i/o', 'one')) +
      section('x', 'container', line(2, '200-207', 'prio 1, i/o', 'two'));
    expect(targetsOf(text)).toEqual([
      ['c', 1],
      ['b', 0],
      ['a', 0],
    ]);
  });

  it('adds a hidden alias for a section that the alias of no line shows', () => {
    const text =
      space(line(2, '0-f', 'prio 0, ram', alias('a', 'y'))) +
      section('x', 'container') +
      section('y', 'ram') +
      section('z', 'ram');
    const { topology, sections } = rebuild(text);
    expect(printTree(topology.addressSpaces, form11)).toBe(text);
    expect(printFlatViews(topology.addressSpaces, form11)).toContain(': y\n');
    expect(
      sections.flatMap(({ aliasedBy }) => aliasedBy.map(({ name, enabled }) => [name, enabled])),
    ).toEqual([
      ['(hidden)', false],
      ['a', true],
      ['(hidden)', false],
    ]);
  });

  it('adds no hidden alias if disabled regions have lines, or if there is no address space', () => {
    const off = line(2, '0-f', 'prio 0, ram', 'off [disabled]');
    expect(rebuild(space(off) + section('x', 'ram')).sections[0]!.aliasedBy).toEqual([]);
    expect(rebuild(section('x', 'ram')).sections[0]!.aliasedBy).toEqual([]);
  });

  it('takes the type of a disabled target from its alias', () => {
    const text = space(line(2, '0-f', 'prio 0, romd', alias('a', 'flash'))) + 'memory-region: flash\n\n';
    const { sections, topology } = rebuild(text);
    expect(sections[0]).toMatchObject({ kind: 'rom-device', enabled: false, name: 'flash' });
    expect(printTree(topology.addressSpaces, form11)).toBe(text);
    expect(effectiveRoot(sections[0]!)).toBeUndefined();
  });

  it('accepts a disabled target for an alias of any type', () => {
    const text =
      space(
        line(2, '0-f', 'prio 0, ram', alias('a', 'x')),
        line(2, '10-1f', 'prio 0, ram', alias('b', 'x')),
      ) +
      'memory-region: x\n\n' +
      section('x', 'ram');
    expect(targetsOf(text)).toEqual([
      ['b', 1],
      ['a', 0],
    ]);
  });

  it('looks for the target in other trees if there is no section, and prefers regions that are no alias', () => {
    const text = space(
      line(2, '0-f', 'prio 0, ram', alias('a', 'a')),
      line(2, '10-1f', 'prio 0, ram', alias('b', 'a')),
      line(2, '20-2f', 'prio 0, ram', alias('c', 'd')),
      line(2, '30-3f', 'prio 0, i/o', 'd'),
    );
    const { subregions } = rebuild(text).topology.addressSpaces[0]!.root;
    const target = (name: string) => subregions.find((region) => region.name === name)!.alias!.region;
    expect(target('b')).toBe(subregions.find(({ name }) => name === 'a'));
    expect(target('c')).toBe(subregions.find(({ name }) => name === 'd'));
    expect(target('a')).toMatchObject({ name: 'a', kind: 'ram', size: 16n });
  });

  it('invents a target that the text does not contain, large enough for all its aliases', () => {
    const one = (type: string, name: string, target: string, start: string, end: string) =>
      line(2, '0-f', `prio 0, ${type}`, alias(name, target, start, end));
    const text = space(
      one('ram', 'a', 'm', '100', '10f'),
      one('ram', 'b', 'm', '0', 'f'),
      one('rom', 'c', 'n', 'f', '2'),
      one('ramd', 'd', 'o', '0', 'f'),
      one('romd', 'e', 'p', '0', 'f'),
      one('i/o', 'f', 'q', '0', 'f'),
      one('container', 'g', 'r', '0', 'f'),
    );
    const made = rebuild(text).topology.addressSpaces[0]!.root.subregions.map(({ name, alias: shown }) => [
      name,
      shown!.region.name,
      shown!.region.kind,
      shown!.region.size,
    ]);
    expect(made).toEqual([
      ['a', 'm', 'ram', 0x110n],
      ['b', 'm', 'ram', 0x110n],
      ['c', 'n', 'ram', END_OF_SPACE],
      ['d', 'o', 'ram-device', 16n],
      ['e', 'p', 'rom-device', 16n],
      ['f', 'q', 'io', 16n],
      ['g', 'r', 'container', 16n],
    ]);
  });

  it('does not let a region show itself for ever', () => {
    const text =
      space(line(2, '0-f', 'prio 0, i/o', alias('a', 'x'))) +
      section(
        'x',
        'i/o',
        line(2, '0-f', 'prio 0, i/o', alias('b', 'y')),
        line(2, '10-1f', 'prio 0, i/o', alias('c', 'y')),
      ) +
      section('y', 'i/o', line(2, '0-f', 'prio 0, i/o', alias('d', 'x')));
    const { sections } = rebuild(text);
    const shownBy = (index: number) => sections[index]!.subregions.map(({ alias: shown }) => shown!.region);
    expect(shownBy(0)).toEqual([sections[1], sections[1]]);
    expect(shownBy(1)[0]).not.toBe(sections[0]);
    expect(shownBy(1)[0]!.name).toBe('x');
    const self = `memory-region: s\n${line(1, '0-f', 'prio 0, ram', alias('s', 's'))}`;
    expect(rebuild(self).sections[0]!.alias!.region).toMatchObject({ name: 's', kind: 'ram' });
  });

  it('lets a container show a part of itself at another place in it', () => {
    const container = (level: number): string =>
      line(level, '0-ffff', 'prio 0, i/o', 'soc') +
      line(level + 1, '4000-40ff', 'prio 0, i/o', 'timer') +
      line(
        level + 1,
        '5000-5fff',
        'prio -1, i/o',
        `alias secure @soc ${'0'.repeat(12)}4000-${'0'.repeat(12)}4fff`,
      );
    const text =
      `address-space: cpu\n${line(1, '0-ffff', 'prio 0, container', 'cpu')}${container(2)}\n` +
      `memory-region: soc\n${container(1)}`;
    expect(ranges(text)).toEqual(['timer 4000-40ff', 'timer 5000-50ff']);
    const { topology, sections } = rebuild(text);
    const [soc] = sections;
    const [timer] = soc!.subregions.filter(({ name }) => name === 'timer');
    topology.setEnabled(timer!, false);
    expect(topology.addressSpaces[0]!.view.ranges).toEqual([]);
    topology.setEnabled(timer!, true);
    expect(topology.addressSpaces[0]!.view.ranges.map(({ start }) => start)).toEqual([0x4000n, 0x5000n]);
  });

  it('invents a missing target once for all its aliases', () => {
    const text = space(
      line(2, '0-f', 'prio 0, ram', alias('a', 'm')),
      line(2, '10-1f', 'prio 0, ram', alias('b', 'm')),
    );
    const [first, second] = rebuild(text).topology.addressSpaces[0]!.root.subregions;
    expect(first!.alias!.region).toBe(second!.alias!.region);
  });

  it('takes the root of a space for I/O if no line is below it and disabled regions have lines', () => {
    const text = `address-space: I/O\n${line(1, '0-ffff', 'prio 0, container', 'io')}`;
    expect(ranges(text)).toEqual([]);
    expect(ranges(text, { disabledShown: true })).toEqual(['io 0-ffff']);
    const disabled = `\naddress-space: dev\n${line(1, '0-f', 'prio 0, container', 'bus master')}${line(2, '0-f', 'prio 0, ram', 'x [disabled]')}`;
    expect(ranges(text + disabled)).toEqual(['io 0-ffff']);
  });

  it('finds the line of a region', () => {
    const text = parseTree(`address-space: a\n${line(1, '0-f', 'prio 0, ram', 'r')}`);
    const { lineOf, regionOf } = rebuildTree(text);
    const { root } = text.addressSpaces[0]!;
    expect(lineOf(regionOf(root))).toBe(root);
  });

  it('accepts data that no parser made', () => {
    const root: MtreeRegion = {
      start: 0n,
      end: 15n,
      priority: 0,
      type: 'ram',
      nonvolatile: false,
      name: 'ram',
      disabled: false,
      overflow: false,
      children: [],
    };
    const text: MtreeText = { addressSpaces: [{ names: ['b', 'a'], root }], sections: [] };
    expect(printTree(rebuildTree(text).topology.addressSpaces, form2_11)).toContain('address-space: b\n  0');
  });
});

describe('rebuildTree restores the text of', () => {
  const marker = '[DETECTED OVERFLOW!] ';
  const at = (level: number, address: string, end = address) =>
    line(level, `${address}-${end}`, 'prio 0, ram', 'x');

  it.each([
    [
      'a hidden region that wraps to where a later line allows',
      at(1, '8000000000000000'),
      marker + at(4, '3000'),
      at(3, '2000'),
    ],
    [
      'two markers, one of them for the second region above the line',
      at(1, '5000'),
      marker + marker + at(6, '1001'),
      at(4, '1000'),
    ],
    [
      'a hidden region that wraps to just above the start of a line',
      at(1, whole),
      marker + at(2, 'fff'),
      marker + marker + at(3, 'ffe'),
      marker + at(3, 'fffffffffffffffd', 'ffc'),
    ],
    [
      'a hidden region that wraps to 0, the only place left',
      at(1, '1'),
      at(2, '1001'),
      marker + at(3, '1000'),
      at(3, '1000'),
    ],
    ['a hidden root that starts between its children', at(2, '1000'), marker + at(2, 'fff')],
    ['a chain of hidden regions that wraps', at(2, whole), marker + at(6, '0'), at(6, '0')],
    [
      'a marker without a line among siblings that wrap',
      at(1, whole),
      marker + at(2, 'fff'),
      marker + marker + at(2, '1fff'),
    ],
    ['markers behind the last line', at(1, '10'), marker + marker],
  ])('%s', (_, ...lines) => {
    const text = `address-space: memory\n${lines.join('')}\n`;
    const { topology } = rebuild(text, { form: form5_1 });
    expect(printTree(topology.addressSpaces, form5_1)).toBe(text);
  });
});
