import { describe, expect, it } from 'vitest';
import type { Replay, StoredComparison } from '../campaign/index.ts';
import { runOnModel } from '../model/index.ts';
import { decodeScenario } from '../scenario/index.ts';
import { NEWEST } from '../vfio/index.ts';
import { replayText } from './replay-text.ts';

const trace = runOnModel(
  decodeScenario({
    version: 1,
    machine: { type: 'generic', ram: '0x10000000' },
    host: { kernel: 'msix-mappable', iommu: { type: 'type1' } },
    devices: [],
  }),
  NEWEST,
);
const textOf = (rest: Partial<Replay> = {}): string =>
  replayText('a.json', { trace, violations: [], isCounterexample: false, ...rest });

describe('replayText', () => {
  it('says that every invariant holds', () => {
    expect(textOf()).toBe('+ a.json: every invariant holds on qemu-11.1\n');
  });

  it('names each fingerprint once, and shows a block for each violation', () => {
    const violation = { invariant: 'no-abort', cause: 'a', message: 'a message', step: 0 } as const;
    const text = textOf({ violations: [violation, violation], isCounterexample: true });
    expect(text).toMatch(/^x a\.json: breaks no-abort\/a on qemu-11\.1\n\n1 {2}no-abort \/ a\n/);
    expect(text).toContain('\n2  no-abort / a\n');
    expect(text).toMatch(/\n\n$/);
  });

  it('prints what the file of a known finding says of the cause', () => {
    const explanation =
      'A refused mapping of device memory is forgotten, and its unmap is asked for all the same.';
    expect(textOf({ explanation })).toBe(
      `+ a.json: every invariant holds on qemu-11.1\n  why       ${explanation}\n`,
    );
  });

  it('says how a run ended that breaks nothing and did not come to its end', () => {
    const refused = { ...trace, outcome: 'rejected', error: 'phys-bits too low' } as const;
    expect(textOf({ trace: refused })).toBe(
      '+ a.json: every invariant holds on qemu-11.1\n' +
        '  end       the VMM refuses the machine or a device: phys-bits too low\n',
    );
    expect(textOf({ trace: { ...refused, outcome: 'aborted' } })).toContain(
      'the VMM dies: phys-bits too low',
    );
  });

  it('says why the run was not compared with the model', () => {
    expect(textOf({ trace: { ...trace, notCompared: 'another version' } })).toBe(
      '+ a.json: every invariant holds on qemu-11.1, not compared with the model: another version\n',
    );
  });

  const observed = { outcome: 'rejected', violations: ['no-abort/a'] } as const;
  it.each<[StoredComparison, string]>([
    [{ kind: 'unchanged' }, ', as recorded'],
    [{ kind: 'other-target', target: 'QEMU 11.1.3 (pc)' }, '; the file records a run of QEMU 11.1.3 (pc)'],
    [{ kind: 'fixed', fingerprints: ['no-abort/a', 'no-abort/b'] }, '; fixed: no-abort/a, no-abort/b'],
    [{ kind: 'changed', observed, outcome: 'ok' }, '; the file records no-abort/a, outcome rejected, now ok'],
    [
      { kind: 'changed', observed: { ...observed, violations: [] }, outcome: undefined },
      '; the file records no violation, outcome rejected',
    ],
  ])('compares the run with its file: %j', (comparison, text) => {
    expect(textOf({ comparison })).toBe(`+ a.json: every invariant holds on qemu-11.1${text}\n`);
  });
});
