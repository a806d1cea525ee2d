import { describe, expect, it } from 'vitest';
import { offset } from '../address/index.ts';
import type { AccessPart, Reached } from '../vfio/index.ts';
import { accessLines } from './access-lines.ts';
import { state, trace } from '../invariants/testing/index.ts';

/** The line of a read of 8 bytes in two parts. */
function lineOf(first: Reached, second: Reached = { kind: 'nothing' }): string | undefined {
  const parts: readonly AccessPart[] = [
    { address: 0xe000_203cn, size: 4, reached: first },
    { address: 0xe000_2040n, size: 4, reached: second },
  ];
  const access = {
    type: 'access',
    device: 'dev0',
    bar: 0,
    offset: offset(0x203cn),
    width: 8,
    write: false,
  } as const;
  return accessLines(
    trace([{ state: state() }, { events: [{ ...access, address: 0xe000_203cn, parts }] }]),
  )[0];
}

describe('accessLines', () => {
  it('says what each part of an access has reached', () => {
    const table: Reached = { kind: 'msix-table', device: 'dev0', offset: offset(0x3cn) };
    const memory: Reached = { kind: 'memory', region: 'mmaps[0]', owner: 'dev0', offset: offset(0x2040n) };
    expect(lineOf(table, memory)).toBe(
      'step 1: read of 8 bytes at 0xe000203c (dev0 BAR 0+0x203c) reaches ' +
        'the emulated MSI-X table @0x3c with 4 bytes, then mmaps[0] @0x2040 with 4 bytes',
    );
  });

  it.each<readonly [Reached, string]>([
    [{ kind: 'device', device: 'dev0', bar: 2, offset: offset(8n) }, 'BAR 2 of the device @0x8 with 4 bytes'],
    [{ kind: 'msix-pba', device: 'dev0', offset: offset(0n) }, 'the emulated PBA @0x0 with 4 bytes'],
    [
      { kind: 'config-space', device: 'dev0', offset: offset(4n) },
      'the configuration space @0x4 with 4 bytes',
    ],
    [{ kind: 'registers', region: 'hpet', offset: offset(4n) }, 'hpet @0x4 with 4 bytes'],
  ])('names %o', (reached, text) => {
    expect(lineOf(reached)).toContain(`reaches ${text}, then nothing with 4 bytes`);
  });
});
