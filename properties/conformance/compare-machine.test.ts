import { describe, expect, it } from 'vitest';
import { form11 } from '../../src/memory/index.ts';
import { compareMachine } from './compare-machine.ts';

const hex16 = (value: number): string => value.toString(16).padStart(16, '0');

const line = (level: number, start: number, end: number, kind: string, name: string): string =>
  `${'  '.repeat(level)}${hex16(start)}-${hex16(end)} (${kind}): ${name}\n`;

const tree = (...lines: readonly string[]): string =>
  `address-space: memory\n${line(1, 0, 0xffff, 'prio 0, container', 'system')}${lines.join('')}\n`;

const flat = (...lines: readonly string[]): string =>
  `FlatView #0\n AS "memory", root: system\n Root memory region: system\n${lines.join('')}\n`;

const compare = (treeText: string, flatText: string) =>
  compareMachine({ machine: 'm', tree: treeText, enabledTree: treeText, flat: flatText }, form11);

const neededFor = (treeText: string, flatText: string) =>
  compare(treeText, flatText).spaces.map(({ needed }) => needed);

const ram = line(2, 0, 0x7fff, 'prio 0, ram', 'ram');
const device =
  line(2, 0x8000, 0x8fff, 'prio 0, i/o', 'device') + line(3, 0x8100, 0x81ff, 'prio 0, i/o', 'registers');
const deviceRanges = [
  line(1, 0x8000, 0x80ff, 'prio 0, i/o', 'device'),
  line(1, 0x8100, 0x81ff, 'prio 0, i/o', 'registers'),
  line(1, 0x8200, 0x8fff, 'prio 0, i/o', `device @${hex16(0x200)}`),
];

describe('compareMachine', () => {
  it('needs no answers if the text gives the whole view', () => {
    const text = tree(ram, line(2, 0x4000, 0x40ff, 'prio 1, i/o', 'hole'));
    const ranges = [
      line(1, 0, 0x3fff, 'prio 0, ram', 'ram'),
      line(1, 0x4000, 0x40ff, 'prio 1, i/o', 'hole'),
      line(1, 0x4100, 0x7fff, 'prio 0, ram', `ram @${hex16(0x4100)}`),
    ];
    expect(compare(text, flat(...ranges))).toEqual({
      machine: 'm',
      printsTheSame: true,
      spaces: [{ name: 'memory', ranges: 3, needed: [], differences: [] }],
      answers: { terminates: 0, 'sibling-order': 0 },
    });
  });

  it('needs the answer whether a region with regions below terminates', () => {
    expect(neededFor(tree(device), flat(...deviceRanges))).toEqual([['terminates']]);
    expect(neededFor(tree(device), flat(deviceRanges[1]!))).toEqual([[]]);
    const leaf = line(2, 0x8000, 0x8fff, 'prio 0, i/o', 'empty container');
    expect(
      neededFor(
        tree(leaf),
        `FlatView #0\n AS "memory", root: system\n Root memory region: system\n  No rendered FlatView\n\n`,
      ),
    ).toEqual([['terminates']]);
  });

  it('needs the answer which of two siblings of equal priority is on top', () => {
    const text = tree(line(2, 0, 0x1fff, 'prio 0, i/o', 'a'), line(2, 0x1000, 0x2fff, 'prio 0, i/o', 'b'));
    const over = (first: string, second: string): string => flat(first, second);
    expect(
      neededFor(
        text,
        over(
          line(1, 0, 0x1fff, 'prio 0, i/o', 'a'),
          line(1, 0x2000, 0x2fff, 'prio 0, i/o', `b @${hex16(0x1000)}`),
        ),
      ),
    ).toEqual([['sibling-order']]);
    expect(
      neededFor(
        text,
        over(line(1, 0, 0xfff, 'prio 0, i/o', 'a'), line(1, 0x1000, 0x2fff, 'prio 0, i/o', 'b')),
      ),
    ).toEqual([[]]);
  });

  it('needs both answers if no single one explains the view', () => {
    const text = tree(
      line(2, 0, 0x1fff, 'prio 0, i/o', 'a'),
      line(3, 0, 0xff, 'prio 0, ram', 'inner'),
      line(2, 0x1000, 0x2fff, 'prio 0, ram', 'b'),
    );
    const ranges = [
      line(1, 0, 0xff, 'prio 0, ram', 'inner'),
      line(1, 0x100, 0x1fff, 'prio 0, i/o', `a @${hex16(0x100)}`),
      line(1, 0x2000, 0x2fff, 'prio 0, ram', `b @${hex16(0x1000)}`),
    ];
    expect(neededFor(text, flat(...ranges))).toEqual([['terminates', 'sibling-order']]);
  });

  it.each([
    [
      'a priority in the wrong direction',
      tree(ram, line(2, 0x4000, 0x40ff, 'prio -1, i/o', 'hole')),
      [
        line(1, 0, 0x3fff, 'prio 0, ram', 'ram'),
        line(1, 0x4000, 0x40ff, 'prio -1, i/o', 'hole'),
        line(1, 0x4100, 0x7fff, 'prio 0, ram', `ram @${hex16(0x4100)}`),
      ],
    ],
    ['missing RAM', tree(ram, device), [deviceRanges[1]!]],
    ['another offset', tree(ram), [line(1, 0, 0x7fff, 'prio 0, ram', `ram @${hex16(0x1000)}`)]],
    ['another type', tree(ram), [line(1, 0, 0x7fff, 'prio 0, rom', 'ram')]],
    ['another printed priority', tree(ram), [line(1, 0, 0x7fff, 'prio 3, ram', 'ram')]],
    ['an additional owner', tree(ram), [line(1, 0, 0x7fff, 'prio 0, ram', 'ram owner:{dev id=x}')]],
    [
      'ranges that are not merged',
      tree(ram),
      [
        line(1, 0, 0x3fff, 'prio 0, ram', 'ram'),
        line(1, 0x4000, 0x7fff, 'prio 0, ram', `ram @${hex16(0x4000)}`),
      ],
    ],
    ['a region that terminates in one gap and not in another', tree(device), deviceRanges.slice(0, 2)],
    ['a region that the tree does not have', tree(ram), [line(1, 0, 0x7fff, 'prio 0, ram', 'other')]],
  ])('reports a difference that no answer explains: %s', (_what, text, ranges) => {
    const { spaces } = compare(text, flat(...ranges));
    expect(spaces[0]!.needed).toBeUndefined();
    expect(spaces[0]!.differences.length).toBeGreaterThan(0);
  });

  it('has one answer for all address spaces of a machine', () => {
    const text = `${tree(device)}address-space: dev\n${line(1, 0, 0xffff, 'prio 0, container', 'bus')}${line(2, 0x8000, 0x8fff, 'prio 0, i/o', 'alias window @device 0000000000000000-0000000000000fff')}\nmemory-region: device\n${line(1, 0x8000, 0x8fff, 'prio 0, i/o', 'device')}${line(2, 0x8100, 0x81ff, 'prio 0, i/o', 'registers')}`;
    const dev = (...lines: readonly string[]): string =>
      `FlatView #1\n AS "dev", root: bus\n Root memory region: bus\n${lines.join('')}\n`;
    expect(neededFor(text, flat(...deviceRanges) + dev(...deviceRanges))).toEqual([
      ['terminates'],
      ['terminates'],
    ]);
    expect(
      neededFor(text, flat(...deviceRanges) + dev(deviceRanges[1]!)).filter((needed) => needed === undefined),
    ).toHaveLength(1);
  });

  it('pairs address spaces of the same name by their regions', () => {
    const space = (name: string): string =>
      `address-space: port\n${line(1, 0, 0xfff, 'prio 0, container', 'port')}${line(2, 0, 0xfff, 'prio 0, i/o', name)}\n`;
    const view = (number: number, name: string): string =>
      `FlatView #${number}\n AS "port", root: port\n Root memory region: ${name}\n${line(1, 0, 0xfff, 'prio 0, i/o', name)}\n`;
    expect(neededFor(space('a') + space('b'), view(0, 'b') + view(1, 'a'))).toEqual([[], []]);
  });

  it('refuses two texts with different address spaces', () => {
    const other = `FlatView #0\n AS "other", root: system\n Root memory region: (none)\n  No rendered FlatView\n\n`;
    expect(() => compare(tree(ram), other)).toThrow('info mtree has no address space other with root system');
    expect(() => compare(tree(ram), '')).toThrow('info mtree -f does not have');
  });
});
