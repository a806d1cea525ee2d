import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LAST_ADDRESS } from '../../address/index.ts';
import type { MtreeRegion, MtreeText } from './mtree-region.ts';
import { MtreeSyntaxError } from './mtree-syntax-error.ts';
import { parseTree } from './parse-tree.ts';

const machines = ['q35', 'pc', 'virt', 'pseries', 'q35-devices'] as const;

const readFixture = (name: string): string =>
  readFileSync(new URL(`./fixtures/${name}.txt`, import.meta.url), 'utf8');

/** The names of a tree, each with the names below it; a hidden region is `?`. */
const outline = ({ name, hidden, children }: MtreeRegion): unknown =>
  children.length === 0 ? (hidden ? '?' : name) : { [hidden ? '?' : name]: children.map(outline) };

const rootOf = (text: MtreeText): MtreeRegion => text.addressSpaces[0]!.root;

const line = (level: number, start: bigint, end: bigint, rest: string): string =>
  `${'  '.repeat(level)}${start.toString(16).padStart(16, '0')}-${end.toString(16).padStart(16, '0')} ${rest}`;

const io = (level: number, start: bigint, end: bigint, name: string): string =>
  line(level, start, end, `(prio 0, i/o): ${name}`);

describe('parseTree on dumps of QEMU 11.1.3', () => {
  it('reads address spaces with their names, and sections', () => {
    const { addressSpaces, sections } = parseTree(readFixture('pseries.tree'));
    expect(addressSpaces.map(({ names, root }) => [names, root.name])).toEqual([
      [['I/O'], 'io'],
      [['cpu-memory-0', 'memory'], 'system'],
      [['pci@800000020000000'], 'pci@800000020000000.iommu-root'],
    ]);
    expect(sections.map(({ name, root }) => [name, root.name])).toEqual([
      ['pci@800000020000000.io', 'pci@800000020000000.io'],
      ['pci@800000020000000.mmio', 'pci@800000020000000.mmio'],
    ]);
    expect(outline(addressSpaces[2]!.root)).toEqual({
      'pci@800000020000000.iommu-root': [
        'tce-root-80000001',
        { 'tce-root-80000000': ['tce-iommu-80000000'] },
        'msi',
      ],
    });
    expect(addressSpaces[1]!.root.children[2]).toEqual({
      start: 0x200080000000n,
      end: 0x2000ffffffffn,
      priority: 0,
      type: 'container',
      nonvolatile: false,
      name: 'pci@800000020000000.mmio32-alias',
      alias: { target: 'pci@800000020000000.mmio', start: 0x80000000n, end: 0xffffffffn },
      disabled: false,
      overflow: false,
      children: [],
    });
  });

  it.each(machines)('reads the dump of %s the same with CR LF', (machine) => {
    const text = readFixture(`${machine}.tree`);
    expect(parseTree(text.replaceAll('\n', '\r\n'))).toEqual(parseTree(text));
  });

  it('reads the owners that -o appends', () => {
    const { addressSpaces } = parseTree(readFixture('pseries.tree-owners'));
    const system = addressSpaces.find(({ names }) => names.includes('memory'))!.root;
    expect(system).toMatchObject({ name: 'system', parent: 'obj path=/machine/unattached' });
    expect(system).not.toHaveProperty('owner');
    expect(system.children[0]).toMatchObject({
      name: 'ppc_spapr.ram',
      owner: 'obj path=/objects/ppc_spapr.ram',
    });
    expect(system.children[1]!.alias!.target).toBe('pci@800000020000000.io');
  });

  it('reads the disabled regions of -D, negative priorities and persistent memory', () => {
    const { addressSpaces, sections } = parseTree(readFixture('q35-devices.tree-all'));
    const all = [...addressSpaces, ...sections].flatMap(({ root }) => flatten(root));
    expect(all.filter(({ hidden }) => hidden)).toEqual([]);
    expect(all.filter(({ disabled }) => disabled).length).toBeGreaterThan(50);
    expect(all.find(({ name }) => name === 'pci')).toMatchObject({ priority: -1 });
    expect(all.find(({ name }) => name === 'nvdimm-memory')).toMatchObject({
      type: 'ram',
      nonvolatile: true,
      alias: { target: 'm1' },
    });
    expect(all.find(({ name, disabled }) => name === 'bus master' && disabled)!.alias!.target).toBe('system');
  });

  it('puts the ports of the disabled ich9-pm below a region without a line', () => {
    const { addressSpaces } = parseTree(readFixture('q35.tree'));
    const ports = addressSpaces.find(({ names }) => names.includes('I/O'))!.root;
    expect(ports.children[0]).toMatchObject({ hidden: true, disabled: true, start: 0n });
    expect(ports.children[0]!.children.map(({ name }) => name)).toEqual([
      'acpi-evt',
      'acpi-cnt',
      'acpi-tmr',
      'acpi-gpe0',
      'acpi-smi',
      'sm-tco',
    ]);
    const rtc = ports.children.find(({ name }) => name === 'rtc')!;
    expect(rtc.children.map(({ name }) => name)).toEqual(['rtc-index']);
  });
});

const flatten = (region: MtreeRegion): MtreeRegion[] => [region, ...region.children.flatMap(flatten)];

describe('parseTree', () => {
  it.each([
    ['a: b (prio 3, ram): c', undefined],
    ['with space @home', undefined],
    ['', undefined],
    ['alias of nothing', undefined],
    ['(x) [disabled] y', undefined],
  ])('reads the name %j unchanged', (name) => {
    const text = `address-space: a: b\n${io(1, 0n, 15n, name)}\n`;
    expect(parseTree(text).addressSpaces).toMatchObject([{ names: ['a: b'], root: { name } }]);
    expect(rootOf(parseTree(text))).not.toHaveProperty('alias');
  });

  it('splits an alias at the " @" before the name of a section, and otherwise at the last " @"', () => {
    const alias = (level: number) => io(level, 0n, 15n, 'alias a @b @c 0000000000000000-000000000000000f');
    const section = (name: string) => `memory-region: ${name}\n${io(1, 0n, 15n, name)}\n\n`;
    const named = (text: string) => rootOf(parseTree(text));
    const space = `address-space: x\n${alias(1)}\n\n`;
    expect(named(space)).toMatchObject({ name: 'a @b', alias: { target: 'c' } });
    expect(named(space + section('b @c'))).toMatchObject({ name: 'a', alias: { target: 'b @c' } });
    expect(named(space + section('c'))).toMatchObject({ name: 'a @b', alias: { target: 'c' } });
  });

  it('splits an alias nowhere but at an " @", also if a section is named like the end of another name', () => {
    const named = (name: string) => {
      const alias = io(1, 0n, 15n, `alias ${name} 0000000000000000-000000000000000f`);
      const section = `memory-region: x @ram\n${io(1, 0n, 15n, 'x @ram')}\n`;
      return rootOf(parseTree(`address-space: s\n${alias}\n\n${section}`));
    };
    expect(named('aax @ram')).toMatchObject({ name: 'aax', alias: { target: 'ram' } });
    expect(named('a @bbx @ram')).toMatchObject({ name: 'a @bbx', alias: { target: 'ram' } });
    expect(named('a @x @ram')).toMatchObject({ name: 'a', alias: { target: 'x @ram' } });
  });

  it('removes [disabled] and the owners behind it from the name', () => {
    const text = (suffix: string) => `address-space: x\n${io(1, 0n, 15n, `r${suffix}`)}\n`;
    expect(rootOf(parseTree(text(' [disabled]')))).toMatchObject({ name: 'r', disabled: true });
    expect(rootOf(parseTree(text(' [disabled] owner:{dev id=d} parent:{obj type=t}')))).toMatchObject({
      name: 'r',
      disabled: true,
      owner: 'dev id=d',
      parent: 'obj type=t',
    });
    expect(rootOf(parseTree(text(' orphan')))).toMatchObject({ name: 'r', disabled: false });
  });
});

describe('parseTree', () => {
  const marker = '[DETECTED OVERFLOW!] ';
  const root = io(1, 0n, LAST_ADDRESS, 'system');

  it('reads overflow markers before and behind the indent', () => {
    const wraps = io(0, 16n, 15n, 'w');
    for (const text of [`${marker}    ${wraps}`, `    ${marker}${wraps}`]) {
      expect(rootOf(parseTree(`address-space: x\n${root}\n${text}\n`)).children).toMatchObject([
        { name: 'w', overflow: true, start: 16n, end: 15n },
      ]);
    }
  });

  it('adds up the markers before and behind the indent', () => {
    const both = `${marker}    ${marker}${io(0, 16n, 15n, 'w')}`;
    expect(outline(rootOf(parseTree(`address-space: x\n${root}\n${both}\n`)))).toEqual({
      system: [{ '?': ['?'] }, 'w'],
    });
    const behind = `    ${marker}${io(0, 16n, 31n, 'a')}`;
    expect(outline(rootOf(parseTree(`address-space: x\n${root}\n${behind}\n`)))).toEqual({
      system: [{ '?': ['?'] }, 'a'],
    });
  });

  it('assumes hidden regions for overflow markers without a line', () => {
    const text = `address-space: x\n${root}\n${marker}${io(2, 16n, 31n, 'a')}\n${marker}\n`;
    expect(outline(rootOf(parseTree(text)))).toEqual({ system: [{ '?': ['?'] }, { a: [{ '?': ['?'] }] }] });
    expect(outline(rootOf(parseTree(`address-space: x\n${marker}\n`)))).toEqual({ '?': [{ '?': ['?'] }] });
    const hidden = rootOf(parseTree(text)).children[0]!.children[0]!;
    expect(hidden).toMatchObject({ overflow: true, disabled: true, hidden: true, start: 1n, end: 0n });
  });
});

describe('parseTree, if disabled regions have no lines,', () => {
  const text = (...lines: string[]) => `address-space: x\n${lines.join('\n')}\n`;
  const root = io(1, 0n, LAST_ADDRESS, 'r');
  const shape = (...lines: string[]) => outline(rootOf(parseTree(text(...lines))));

  it('assumes a hidden region for each level that the indent skips', () => {
    expect(shape(root, io(4, 16n, 31n, 'a'))).toEqual({ r: [{ '?': [{ '?': ['a'] }] }] });
    expect(shape(io(2, 16n, 31n, 'a'))).toEqual({ '?': ['a'] });
    expect(outline(parseTree('memory-region: off\n\n').sections[0]!.root)).toBe('?');
    expect(parseTree('memory-region: off\n\n').sections[0]!.root.name).toBe('off');
  });

  it('takes the line above for the container if addresses and order allow that', () => {
    expect(shape(root, io(2, 16n, 31n, 'a'), io(3, 20n, 23n, 'b'))).toEqual({ r: [{ a: ['b'] }] });
    expect(shape(root, io(2, 16n, 31n, 'a'), io(3, 64n, 67n, 'b'))).toEqual({ r: ['a', { '?': ['b'] }] });
    const unordered = [io(3, 20n, 23n, 'b'), io(3, 16n, 19n, 'c')];
    expect(shape(root, io(2, 16n, 31n, 'a'), ...unordered)).toEqual({ r: [{ a: ['b'] }, { '?': ['c'] }] });
    const tied = [line(3, 16n, 19n, '(prio 0, i/o): b'), line(3, 16n, 19n, '(prio 1, i/o): c')];
    expect(shape(root, io(2, 16n, 31n, 'a'), ...tied)).toEqual({ r: [{ a: ['b'] }, { '?': ['c'] }] });
    expect(
      shape(root, io(2, LAST_ADDRESS - 15n, LAST_ADDRESS, 'a'), io(3, LAST_ADDRESS, LAST_ADDRESS, 'b')),
    ).toEqual({ r: [{ a: ['b'] }] });
  });

  it('goes by the indent alone once it knows that every region has a line', () => {
    const lines = [root, io(2, 16n, 31n, 'a'), io(3, 64n, 67n, 'b'), io(2, 80n, 95n, 'd [disabled]')];
    expect(shape(...lines)).toEqual({ r: [{ a: ['b'] }, 'd'] });
    const { addressSpaces } = parseTree(text(...lines.slice(0, 3)), { disabledShown: true });
    expect(outline(addressSpaces[0]!.root)).toEqual({ r: [{ a: ['b'] }] });
  });

  it('takes a choice back that a later line contradicts', () => {
    // The hidden region at level 2 wraps, so that `b` at level 3 can lie in it too.
    const high = io(1, 1n << 63n, 1n << 63n, 'r');
    const marked = `[DETECTED OVERFLOW!] ${io(4, 0x3000n, 0x3000n, 'a')}`;
    expect(shape(high, marked, io(3, 0x2000n, 0x2000n, 'b'))).toEqual({
      r: [{ '?': [{ '?': ['a'] }, 'b'] }],
    });
    // The hidden root begins between its children: `b` wraps, so it comes last.
    const wrapped = `[DETECTED OVERFLOW!] ${io(2, 0xfffn, 0xfffn, 'b')}`;
    expect(shape(io(2, 0x1000n, 0x1000n, 'a'), wrapped)).toEqual({ '?': ['a', 'b'] });
  });

  it('goes by the indent alone if no placement fits', () => {
    expect(shape(io(2, 0x1000n, 0x1000n, 'a'), io(2, 0xfffn, 0xfffn, 'b'))).toEqual({ '?': ['a', 'b'] });
    expect(shape(root, io(2, 0x1000n, 0x1000n, 'a'), io(2, 0xfffn, 0xfffn, 'b'))).toEqual({ r: ['a', 'b'] });
    const many = Array.from({ length: 60 }, (_, index) =>
      io(2 + (index % 3), BigInt(1000 - index), 2000n, 'x'),
    );
    expect(flatten(rootOf(parseTree(text(...many)))).length).toBeGreaterThan(60);
  });
});

describe('parseTree', () => {
  const failure = (text: string): MtreeSyntaxError => {
    try {
      parseTree(text);
    } catch (error) {
      expect(error).toBeInstanceOf(MtreeSyntaxError);
      return error as MtreeSyntaxError;
    }
    throw new Error('nothing was thrown');
  };
  const root = io(1, 0n, 15n, 'r');

  it('accepts an empty text, blank lines, and sections without blank lines between them', () => {
    expect(parseTree('')).toEqual({ addressSpaces: [], sections: [] });
    expect(parseTree('\n\n \n')).toEqual({ addressSpaces: [], sections: [] });
    const { addressSpaces, sections } = parseTree(
      `address-space: a\n${root}\naddress-space: b\n${root}\nmemory-region: r\n${root}`,
    );
    expect(addressSpaces.map(({ names }) => names)).toEqual([['a'], ['b']]);
    expect(sections.map(({ name }) => name)).toEqual(['r']);
  });

  it('says in its error which line it refuses and what it expects', () => {
    const error = failure(`\n(qemu) info mtree\n`);
    expect(error.lineNumber).toBe(2);
    expect(error.line).toBe('(qemu) info mtree');
    expect(error.expected).toContain('memory-region: NAME');
    expect(error.message).toBe(
      'line 2: "(qemu) info mtree": expected "address-space: NAME" or "memory-region: NAME"',
    );
    expect(error.name).toBe('MtreeSyntaxError');
  });

  it.each([
    [`address-space: x\n  nonsense\n`, 2, 'START-END (prio N, TYPE): NAME'],
    [`address-space: x\n  0-f (prio 0, i/o): r\n`, 2, 'START-END'],
    [`address-space: x\n${line(1, 0n, 1n, '(prio 0, blob): r')}\n`, 2, 'container'],
    [`address-space: x\r\n${root}\r\n${root}\r\n`, 3, 'one root'],
    [`address-space: x\n${root}\n ${root}\n`, 3, 'two spaces a level'],
    [`address-space: x\n${io(0, 0n, 1n, 'r')}\n`, 2, 'two spaces a level'],
    [`address-space: x\n${root}\n${io(3, 0n, 1n, 'q [disabled]')}\n`, 3, 'at most 4'],
    [`${root}\n`, 1, 'address-space: NAME'],
    [`address-space: x\n${root}\n\n${root}\n`, 4, 'address-space: NAME'],
  ])('refuses %j', (text, lineNumber, expected) => {
    const error = failure(text);
    expect(error.lineNumber).toBe(lineNumber);
    expect(error.expected).toContain(expected);
    expect(error.line).not.toContain('\r');
  });

  it('names the deepest indent only where every region has a line', () => {
    const { expected } = failure(`address-space: x\n${root}\n ${root}\n`);
    expect(expected).toBe('an indent of two spaces a level');
  });
});
