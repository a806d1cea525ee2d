import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeRegression } from '../campaign/index.ts';
import { violationsOf } from '../invariants/index.ts';
import { decodeScenario, toJsonLine, type Scenario } from '../scenario/index.ts';
import { runOnModel } from '../model/index.ts';
import { findRevision } from '../vfio/index.ts';
import { traceToJson } from './trace-json.ts';

/** One line of `barproof run --json`. */
interface Line {
  readonly outcome: string;
  readonly error: string | null;
  readonly revision: string;
  readonly flatView: readonly Record<string, unknown>[];
  readonly dmaMappings: readonly Record<string, unknown>[];
  readonly memslots: readonly Record<string, unknown>[];
  readonly events: readonly Record<string, unknown>[];
  readonly violations: readonly Record<string, unknown>[];
  readonly metrics: Record<string, unknown>;
}

const run = (scenario: Scenario): Line => {
  const revision = findRevision(scenario.revision)!;
  const trace = runOnModel(scenario, revision);
  return JSON.parse(toJsonLine(traceToJson(trace, violationsOf(trace), revision.mtree))) as Line;
};

const seedCase = (name: string): Line => {
  const file = new URL(`../../regressions/seed/${name}.json`, import.meta.url);
  return run(decodeRegression(JSON.parse(readFileSync(file, 'utf8'))).scenario);
};

const SEEDS = [
  'sas3008-before',
  'sas3008-after',
  'cx4-64k',
  'skip-as-posted',
  'size-enabled-bar',
  'spapr-p2p-windows',
];

/** The line of a machine with two vfio-user devices; `rest` replaces parts of the scenario. */
const served = (rest: Record<string, unknown> = {}): Line =>
  run(
    decodeScenario({
      version: 1,
      machine: { type: 'generic', ram: '0x10000000' },
      host: { kernel: 'msix-mappable', iommu: { type: 'vfio-user' } },
      devices: ['dev0', 'dev1'].map((id) => ({ id, bars: [{ index: 0, size: '0x4000', type: 'mem32' }] })),
      operations: [
        { op: 'set-bar', device: 'dev1', bar: 0, address: '0x10000000' },
        { op: 'enable-memory', device: 'dev1' },
      ],
      ...rest,
    }),
  );

const HEX = /^0x(0|[1-9a-f][0-9a-f]*)$/;

describe('traceToJson', () => {
  it.each(SEEDS)('writes the keys in a fixed order: %s', (name) => {
    const line = seedCase(name);
    expect(Object.keys(line)).toEqual([
      'outcome',
      'error',
      'revision',
      'flatView',
      'dmaMappings',
      'memslots',
      'events',
      'violations',
      'metrics',
    ]);
    for (const range of line.flatView) {
      expect(Object.keys(range).slice(0, 6)).toEqual(['start', 'end', 'kind', 'name', 'offset', 'priority']);
    }
    for (const mapping of line.dmaMappings) {
      expect(Object.keys(mapping)).toEqual(['iova', 'size', 'readonly', 'region', 'offset']);
    }
    for (const slot of line.memslots) expect(Object.keys(slot)).toEqual(['gpa', 'size', 'readonly']);
    for (const violation of line.violations) {
      expect(Object.keys(violation).slice(0, 2)).toEqual(['invariant', 'message']);
    }
    expect(Object.keys(line.metrics).slice(0, 3)).toEqual([
      'directMappedBytes',
      'trappedBytes',
      'p2pMappedBytes',
    ]);
  });

  it.each(SEEDS)('writes addresses, sizes and offsets as hex strings: %s', (name) => {
    const { flatView, dmaMappings, memslots, events, metrics } = seedCase(name);
    const address = /^(start|end|offset|iova|size|gpa|hostAddress|unmapped|.*Bytes)$/;
    for (const record of [...flatView, ...dmaMappings, ...memslots, ...events, metrics]) {
      for (const [key, value] of Object.entries(record)) {
        if (address.test(key)) expect(value, key).toMatch(HEX);
        else expect(typeof value, key).not.toBe('object');
      }
    }
  });

  it('writes the state after the last operation', () => {
    expect(seedCase('sas3008-after-emulation')).toMatchObject({
      outcome: 'ok',
      error: null,
      revision: 'seed-v2',
      flatView: [
        { start: '0x0', end: '0x7fffffff', kind: 'ram', name: 'ppc_spapr.ram', offset: '0x0', priority: 0 },
        { start: '0x210000000000', end: '0x21000000dfff', kind: 'ramd', device: 'dev0' },
        { start: '0x21000000e000', end: '0x21000000e5ff', kind: 'i/o', name: 'msix-table' },
        { start: '0x21000000e600', end: '0x21000000ffff', kind: 'ramd', offset: '0xe600' },
        { start: '0x210000040000', end: '0x21000007ffff', kind: 'ramd', name: '0001:03:00.0 BAR 3 mmaps[0]' },
      ],
      dmaMappings: [],
      violations: [],
      metrics: { directMappedBytes: '0x40000', trappedBytes: '0x10000', p2pMappedBytes: '0x0' },
    });
  });

  it('gives the last address of a range as its end, also at the top of the address space', () => {
    const { flatView } = served({
      operations: [
        { op: 'add-region', name: 'top', kind: 'io', address: '0xfffffffffffff000', size: '0x1000' },
      ],
    });
    expect(flatView.at(-1)).toMatchObject({ start: '0xfffffffffffff000', end: '0xffffffffffffffff' });
  });

  it('gives the error that the VMM died of, and all events until then with their steps', () => {
    const { outcome, error, events, violations } = seedCase('cx4-64k');
    expect(outcome).toBe('aborted');
    expect(error).toBe(
      'vfio: DMA mapping failed, unable to continue: vfio_dma_map(0x8000000000, 0x2000) = -22 (EINVAL)',
    );
    expect(events.filter(({ type }) => type === 'dma-map')).toEqual([
      expect.objectContaining({ step: 0, iova: '0x40000000', size: '0x80000000', errno: 0 }),
      expect.objectContaining({
        step: 2,
        iova: '0x8000000000',
        size: '0x2000',
        deviceMemory: true,
        errno: 22,
      }),
    ]);
    expect(violations[0]).toMatchObject({
      invariant: 'map-aligned',
      cause: 'bar-fragment-unaligned',
      step: 2,
    });
  });

  it('gives the error with which a device was refused', () => {
    const line = served({
      devices: [
        { id: 'dev0', bars: [], msix: { vectors: 1, tableBar: 7, tableOffset: 0, pbaBar: 0, pbaOffset: 0 } },
      ],
      operations: [],
    });
    expect(line).toMatchObject({ outcome: 'rejected', error: expect.stringContaining('vfio dev0: ') });
  });

  it('names the container of a mapping only if there are several', () => {
    expect(new Set(served().dmaMappings.map(({ container }) => container))).toEqual(
      new Set(['dev0', 'dev1']),
    );
    expect(seedCase('cx4-64k').dmaMappings[0]).not.toHaveProperty('container');
  });

  it('writes every type of event', () => {
    const types = new Set(
      [...SEEDS.map(seedCase), served()].flatMap(({ events }) => events.map(({ type }) => type)),
    );
    expect([...types].toSorted()).toEqual([
      'bar-sized',
      'dma-map',
      'dma-unmap',
      'memslot',
      'message',
      'mmap',
      'register-memory',
      'skip',
      'window-create',
      'window-remove',
    ]);
  });

  it('writes an unmap with the number of bytes that it unmapped', () => {
    expect(seedCase('size-enabled-bar').events.find(({ type }) => type === 'dma-unmap')).toEqual({
      step: 3,
      type: 'dma-unmap',
      container: 'container',
      iova: '0x8000000000',
      size: '0x2000000',
      unmapped: '0x2000000',
      errno: 0,
    });
  });

  it('writes a memslot with its number and its backing region', () => {
    expect(seedCase('sas3008-after').events.find(({ type }) => type === 'memslot')).toEqual({
      step: 0,
      type: 'memslot',
      slot: 0,
      gpa: '0x0',
      size: '0x80000000',
      readonly: false,
      region: 'ppc_spapr.ram',
      errno: 0,
    });
  });
});
