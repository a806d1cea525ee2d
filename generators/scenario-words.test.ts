import { describe, expect, it } from 'vitest';
import { decodeScenario } from '../src/scenario/index.ts';
import { wordsOf } from './scenario-words.ts';

const scenario = (size: string, operations: readonly object[] = []) =>
  decodeScenario({
    version: 1,
    machine: { type: 'q35', ram: '0x20000000' },
    host: { kernel: 'msix-mappable', iommu: { type: 'type1' } },
    devices: [{ id: 'nic', bars: [{ index: 0, size, type: 'mem32' }] }],
    operations,
  });

describe('the words of a scenario', () => {
  it('are its values by their fields, the lengths of its lists, and its operations in order', () => {
    const words = wordsOf(
      scenario('0x4000', [
        { op: 'set-bar', device: 'nic', bar: 0, address: '0xe0000000' },
        { op: 'enable-memory', device: 'nic' },
      ]),
    );
    for (const word of [
      '.machine.type is q35',
      '.devices has 1',
      '.devices.bars.type is mem32',
      '.devices.bars.size below 2^15',
      '.devices.bars.size in units of 2^14',
      '.devices.bars.index in units of 2^any',
      'start > set-bar',
      'set-bar > enable-memory',
      'set-bar.address in units of 2^29',
    ])
      expect(words).toContain(word);
  });

  it('leave names out, and tell a number by its magnitude and its alignment alone', () => {
    expect(wordsOf({ ...scenario('0x4000'), revision: 'seed-v2' })).toEqual(wordsOf(scenario('0x4000')));
    const change = (from: string, to: string) => {
      const before = wordsOf(scenario(from));
      return [...wordsOf(scenario(to))].filter((word) => !before.has(word));
    };
    expect(change('0x4000', '0x8000')).toEqual([
      '.devices.bars.size below 2^16',
      '.devices.bars.size in units of 2^15',
    ]);
  });
});
