import { describe, expect, it } from 'vitest';
import { runOnModel } from '../model/index.ts';
import { decodeScenario } from '../scenario/index.ts';
import { findRevision } from '../vfio/index.ts';
import type { Regression } from './regression.ts';
import { replayCase } from './replay.ts';

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

const OBSERVED: Regression['observed'] = {
  outcome: 'aborted',
  violations: [
    'map-aligned/small-bar-unaligned',
    'mmio-map-not-fatal/refused-map',
    'no-abort/dma-map-device-memory-EINVAL',
  ],
};

const regression = (
  observed: Partial<Regression['observed']>,
  status: Regression['status'] = 'open',
): Regression => ({
  schema: 1,
  title: 'a case',
  status,
  expected: 'nothing breaks',
  observed: { ...OBSERVED, ...observed },
  failsOn: ['seed-v2'],
  provenance: { source: 'a test' },
  scenario,
});

const on = (revision: string) => () => runOnModel(scenario, findRevision(revision)!);
const comparisonOf = async (stored: Regression, revision = 'seed-v2') =>
  (await replayCase({ scenario, regression: stored }, on(revision))).comparison;

describe('replayCase', () => {
  it('counts a broken invariant as a counterexample, and no warning', async () => {
    expect(await replayCase({ scenario }, on('seed-v2'))).toMatchObject({ isCounterexample: true });
    expect(await replayCase({ scenario }, on('qemu-11.1'))).toMatchObject({
      violations: [],
      isCounterexample: false,
    });
  });

  it('compares neither a bare scenario nor a run on another revision with a file', async () => {
    expect(await replayCase({ scenario }, on('seed-v2'))).not.toHaveProperty('comparison');
    expect(await comparisonOf(regression({}), 'qemu-11.1')).toBeUndefined();
  });

  it('says that a run with the outcome and violations of the file is unchanged', async () => {
    expect(await comparisonOf(regression({}))).toEqual({ kind: 'unchanged' });
  });

  it('gives what the file says where a run differs from it', async () => {
    const { observed } = regression({ violations: [] });
    expect(await comparisonOf(regression({ violations: [] }))).toEqual({
      kind: 'changed',
      observed,
      outcome: undefined,
    });
    expect(await comparisonOf(regression({ outcome: 'rejected' }))).toMatchObject({
      kind: 'changed',
      outcome: 'aborted',
    });
  });

  it('names the real VMM that a file is about, which the model need not follow', async () => {
    expect(await comparisonOf(regression({ violations: [], target: 'QEMU 11.1.3 (pc)' }))).toEqual({
      kind: 'other-target',
      target: 'QEMU 11.1.3 (pc)',
    });
  });

  it('lists what is fixed, unless the file says so already', async () => {
    const holds = { ...scenario, revision: 'qemu-11.1' };
    const stored = { ...regression({}), scenario: holds };
    const run = on('qemu-11.1');
    expect((await replayCase({ scenario: holds, regression: stored }, run)).comparison).toEqual({
      kind: 'fixed',
      fingerprints: OBSERVED.violations,
    });
    const fixed = { ...stored, status: 'fixed' } as const;
    expect((await replayCase({ scenario: holds, regression: fixed }, run)).comparison).toMatchObject({
      kind: 'changed',
      outcome: 'ok',
    });
  });
});
