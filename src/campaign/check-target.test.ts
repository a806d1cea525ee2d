import { describe, expect, it } from 'vitest';
import * as fc from 'fast-check';
import { COMMON_INVARIANTS, INVARIANTS } from '../invariants/index.ts';
import { openModel } from '../model/index.ts';
import { decodeScenario } from '../scenario/index.ts';
import type { SearchTarget } from '../trace/index.ts';
import { findRevision } from '../vfio/index.ts';
import { checkTarget, type CheckTargetOptions } from './check-target.ts';
import type { StoredRegression } from './regression-store.ts';

/** A 4 KiB BAR on an IOMMU with 64 KiB pages: seed-v2 dies when it maps the BAR. */
const scenario = decodeScenario({
  version: 1,
  machine: { type: 'generic', ram: '0x10000000', hostPageSize: '0x10000', guestPageSize: '0x10000' },
  revision: 'seed-v2',
  host: { kernel: 'msix-mappable', iommu: { type: 'type1', pageSizes: ['0x10000'] } },
  devices: [{ id: 'dev0', bars: [{ index: 0, size: '0x1000', type: 'mem32' }] }],
  operations: [
    { op: 'set-bar', device: 'dev0', bar: 0, address: '0x10000000' },
    { op: 'enable-memory', device: 'dev0' },
  ],
});

const stored = (rest: Partial<StoredRegression['regression']> = {}): StoredRegression => ({
  file: 'a.json',
  regression: {
    schema: 1,
    invariant: 'map-aligned',
    cause: 'small-bar-unaligned',
    title: 'a case',
    status: 'known',
    expected: 'nothing breaks',
    observed: { outcome: 'aborted', violations: [] },
    failsOn: ['seed-v2'],
    provenance: { source: 'a test' },
    scenario,
    ...rest,
  },
});

const model = openModel(findRevision('seed-v2')!);
const checked = (rest: Partial<CheckTargetOptions>) =>
  checkTarget({
    target: model,
    scenarios: fc.constant(scenario),
    revision: 'seed-v2',
    seed: 'a seed',
    runs: 0,
    stored: [],
    accepted: [],
    store: undefined,
    command: 'barproof check',
    version: '0.0.1',
    date: '2026-01-02',
    listener: () => undefined,
    ...rest,
  });

describe('checkTarget', () => {
  it('checks every invariant that can be checked on the target', async () => {
    const ids = async (target: SearchTarget) => (await checked({ target })).plan.invariants;
    expect(await ids(model)).toEqual(COMMON_INVARIANTS.map(({ id }) => id));
    expect(await ids({ ...model, comparesWithModel: true })).toEqual(INVARIANTS.map(({ id }) => id));
  });

  it('checks only the requested invariant', async () => {
    expect((await checked({ invariant: 'no-abort' })).plan.invariants).toEqual(['no-abort']);
  });

  it('refuses an invariant that cannot be checked on the target, and says why', async () => {
    const invariant = 'model-agrees';
    await expect(checked({ invariant })).rejects.toThrow('--target qemu');
    const target = { ...model, name: 'QEMU 10.2.0', notes: ['not compared on pc'] };
    await expect(checked({ invariant, target })).rejects.toThrow('not compared on pc');
  });

  it('replays the stored cases that the target can run, and leaves out the others', async () => {
    const runnable = await checked({ stored: [stored()] });
    expect(runnable.findings.map(({ invariant }) => invariant)).toContain('map-aligned');
    const target = { ...model, canRun: () => Promise.resolve(false) };
    expect((await checked({ stored: [stored()], target })).findings).toEqual([]);
  });

  it('accepts as known only what is marked as known on the checked revision', async () => {
    const known = async (rest: Partial<StoredRegression['regression']>) => {
      const summary = await checked({ stored: [stored()], accepted: [stored(rest)] });
      return summary.known.map(({ invariant, cause }) => `${invariant}/${cause}`);
    };
    expect(await known({})).toEqual(['map-aligned/small-bar-unaligned']);
    expect(await known({ status: 'open' })).toEqual([]);
    expect(await known({ failsOn: ['qemu-11.1'] })).toEqual([]);
  });
});
