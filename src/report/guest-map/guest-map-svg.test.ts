import { describe, expect, it } from 'vitest';
import type { GuestMap } from './guest-map.ts';
import { escape, guestMapSvg } from './guest-map-svg.ts';
import { scaleOf } from './map-scale.ts';
import { pageBoxes } from './page-boxes.ts';

const MAP: GuestMap = {
  title: 'a map',
  text: ['one sentence'],
  columns: [
    {
      title: 'BARs',
      subtitle: 'of the devices',
      boxes: [
        { start: 0x1000n, end: 0x3000n, label: 'BAR 0', kind: 'bar' },
        { start: 0x8000n, end: 0x9000n, label: '<script>"&\u202e', kind: 'table' },
      ],
    },
  ],
  marks: [{ start: 0x1000n, end: 0x2000n, label: 'wrong bytes', tone: 'wrong' }],
};

/** Checks that tags are closed in order, and that text has no bare `<` or `&`. */
function wellFormed(svg: string): boolean {
  const open: string[] = [];
  for (const [, close, name, selfClosed] of svg.matchAll(/<(\/?)([a-z]+)(?:\s[^<>]*?)?(\/?)>/g)) {
    if (selfClosed === '/') continue;
    if (close === '/') {
      if (open.pop() !== name) return false;
    } else open.push(name!);
  }
  const text = svg.replaceAll(/<[^<>]*>/g, '');
  return open.length === 0 && !/[<]|&(?!amp;|lt;|gt;|quot;)/.test(text.replaceAll(/@media[^]*?\n\}/g, ''));
}

describe('guestMapSvg', () => {
  const svg = guestMapSvg(MAP);

  it('is well-formed XML without scripts, links or characters that turn the text', () => {
    expect(wellFormed(svg)).toBe(true);
    expect(svg).not.toMatch(/<script|href|\u202e/);
    expect(svg).toContain('&lt;script&gt;');
  });

  it('outlines a mark, with its label', () => {
    expect(svg).toMatch(/<g class="mark-wrong">/);
    expect(svg).toContain('wrong bytes');
  });

  it('names each border by its address, and breaks the picture where nothing is shown', () => {
    for (const address of ['0x1000', '0x2000', '0x3000', '0x8000', '0x9000'])
      expect(svg).toContain(`>${address}<`);
    expect(scaleOf(MAP).map(({ isGap }) => isGap)).toEqual([false, false, true, false]);
  });

  it('marks a name that is cut, at its end or after its last line', () => {
    const label = (text: string): string =>
      guestMapSvg({
        ...MAP,
        columns: [
          { title: '', subtitle: '', boxes: [{ start: 0x1000n, end: 0x3000n, label: text, kind: 'bar' }] },
        ],
        marks: [],
      });
    expect(label('a'.repeat(60))).toMatch(/>a+…<\/text>/);
    expect(label('many words '.repeat(40))).toMatch(/many(?: words)?…<\/text>/);
    expect(label('BAR 0')).not.toContain('…');
  });

  it('has colours for dark pages', () => {
    expect(svg).toContain('prefers-color-scheme: dark');
  });

  it('has room for the size of every gap', () => {
    const far = { start: 0x3800_0000_0000n, end: 0x3800_0000_1000n, label: 'BAR 1', kind: 'bar' } as const;
    const columns = [{ ...MAP.columns[0]!, boxes: [...MAP.columns[0]!.boxes, far] }];
    const sizes = [...guestMapSvg({ ...MAP, columns }).matchAll(/class="size"[^>]*>([^<]*)</g)];
    expect(sizes.map(([, text]) => text!)).toContain('\u22ee over 55 TiB');
    for (const [, text] of sizes) expect(text!.length).toBeLessThan(18);
  });

  it('draws a map without boxes', () => {
    expect(wellFormed(guestMapSvg({ title: 'nothing', text: [], columns: [], marks: [] }))).toBe(true);
  });
});

describe('escape', () => {
  it('leaves no character that XML does not have', () => {
    const escaped = escape('a\u0000b\ufffec\ud800d\udc00e');
    for (const character of ['\u0000', '\ufffe', '\ud800', '\udc00'])
      expect(escaped).not.toContain(character);
    expect(escape('\u{1f600}')).toBe('\u{1f600}');
  });
});

describe('pageBoxes', () => {
  it('marks the pages that a border cuts, and joins whole ones', () => {
    const boxes = pageBoxes([{ start: 0x2400n, end: 0x20_0000n }], 0x1_0000n, 'page');
    expect(boxes.map(({ start, end, kind }) => [start, end, kind])).toEqual([
      [0n, 0x1_0000n, 'split page'],
      [0x1_0000n, 0x20_0000n, 'page'],
    ]);
    expect(boxes[1]!.label).toBe('31 pages of 64 KiB');
  });
});
