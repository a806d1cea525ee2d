import { describe, expect, it } from 'vitest';
import { coloured, hasColours } from './colours.ts';

describe('hasColours', () => {
  const terminal = { isTTY: true };
  const pipe = { isTTY: false };

  it('gives colours to a terminal alone', () => {
    expect(hasColours(terminal, {})).toBe(true);
    expect(hasColours(terminal, { TERM: 'dumb' })).toBe(false);
    expect(hasColours(pipe, {})).toBe(false);
  });

  it('obeys NO_COLOR before FORCE_COLOR', () => {
    expect(hasColours(terminal, { NO_COLOR: '1' })).toBe(false);
    expect(hasColours(terminal, { NO_COLOR: '' })).toBe(true);
    expect(hasColours(pipe, { FORCE_COLOR: '1' })).toBe(true);
    expect(hasColours(terminal, { FORCE_COLOR: '0' })).toBe(false);
    expect(hasColours(pipe, { NO_COLOR: '1', FORCE_COLOR: '1' })).toBe(false);
  });
});

describe('coloured', () => {
  const text = [
    'x case.json: breaks map-aligned/ram-off-host-page on seed-v2',
    '1  map-aligned / ram-off-host-page   (2 cases)',
    '   steps    1 reset   <-- here',
    'found 2 counterexamples',
    'every invariant holds',
    'plain words',
  ].join('\n');

  it('changes no character that a reader sees', () => {
    // oxlint-disable-next-line no-control-regex -- this pattern finds colours
    expect(coloured(text).replaceAll(/\u001B\[\d+m/g, '')).toBe(text);
  });

  it('marks what matters, and leaves other lines as they are', () => {
    const lines = coloured(text).split('\n');
    for (const line of lines.slice(0, -1)) expect(line).toContain('\u001B[');
    expect(lines.at(-1)).toBe('plain words');
  });
});
