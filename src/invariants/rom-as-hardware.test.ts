import { describe, expect, it } from 'vitest';
import { barAsHardware } from './bar-as-hardware.ts';
import { bar, causes, device, scenario, state, traceOfStates } from './testing/index.ts';

const ROM = bar(6, 0x1_0000n);

const causesWith = (bars: readonly ReturnType<typeof bar>[], spec: object): readonly string[] =>
  causes(
    barAsHardware,
    traceOfStates([state({ devices: [device(bars)] })], {
      scenario: scenario({ devices: [{ id: 'dev0', bars: [], ...spec }] }),
    }),
  );

describe('the expansion ROM that the guest sees', () => {
  const rom = { rom: { size: '0x10000' } };
  const hangs = { ...rom, vendor: '0x14e4', device: '0x168e' };

  it.each<readonly [string, readonly ReturnType<typeof bar>[], object, readonly string[]]>([
    ["is the device's", [ROM], rom, []],
    ['is missing', [], rom, ['missing-rom']],
    ['is too small', [bar(6, 0x8000n)], rom, ['wrong-rom-size']],
    ['is one that the device does not have', [ROM], {}, ['rom-not-hidden']],
    ['is one that the user hides', [ROM], { ...rom, options: { rombar: false } }, ['rom-not-hidden']],
    ['is hidden by the user', [], { ...rom, options: { rombar: false } }, []],
    ['is one that hangs the host', [ROM], hangs, ['rom-not-hidden']],
    ['is one that hangs the host, and the user wants it', [ROM], { ...hangs, options: { rombar: true } }, []],
    ['is a file', [ROM], { options: { romfile: '0x9200' } }, []],
    [
      'is a file that does not fit',
      [bar(6, 0x8000n)],
      { options: { romfile: '0x9200' } },
      ['wrong-rom-size'],
    ],
  ])('%s', (_, bars, spec, expected) => {
    expect(causesWith(bars, spec)).toEqual(expected);
  });
});
