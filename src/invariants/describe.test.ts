import { describe, expect, it } from 'vitest';
import { rangeFrom, rangeText, regionName, span, spanOf } from './describe.ts';
import { END, PAGE, flat, region } from './testing/index.ts';

describe('span and spanOf', () => {
  it('print inclusive ends', () => {
    expect(span({ start: 0n, end: 1n })).toBe('[0x0, 0x0]');
    expect(span({ start: PAGE, end: END })).toBe('[0x1000, 0xffffffffffffffff]');
    expect(spanOf(PAGE, PAGE)).toBe('[0x1000, 0x1fff]');
    expect(rangeFrom(PAGE, 8n)).toEqual({ start: PAGE, end: PAGE + 8n });
  });
});

describe('regionName and rangeText', () => {
  it('name the owner where the name of the region does not begin with it', () => {
    expect(regionName(region('ram'))).toBe('"ram"');
    expect(regionName(region('dev0 BAR 0', 'io', 'dev0'))).toBe('"dev0 BAR 0"');
    expect(regionName(region('msix-table', 'io', 'dev0'))).toBe('"msix-table" of dev0');
    expect(rangeText(flat(0n, PAGE, region('msix-table', 'io', 'dev0')))).toBe(
      '[0x0, 0xfff] "msix-table" of dev0',
    );
  });
});
