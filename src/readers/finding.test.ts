import { describe, expect, it } from 'vitest';
import { findingOf } from '../campaign/index.ts';
import { violationsOf } from '../invariants/index.ts';
import { runOnModel } from '../model/index.ts';
import { decodeScenario } from '../scenario/index.ts';
import type { Trace } from '../trace/index.ts';
import { findRevision } from '../vfio/index.ts';
import { reportedFinding } from './finding.ts';

const trace = runOnModel(
  decodeScenario({
    version: 1,
    machine: { type: 'generic', ram: '0x10000000', hostPageSize: '0x10000', guestPageSize: '0x10000' },
    host: { kernel: 'msix-mappable', iommu: { type: 'type1', pageSizes: ['0x10000'] } },
    devices: [
      {
        id: 'dev0',
        bars: [{ index: 0, size: '0x10000', type: 'mem32' }],
        msix: { vectors: 1, tableBar: 0, tableOffset: '0x0', pbaBar: 0, pbaOffset: '0x10' },
      },
    ],
    operations: [
      { op: 'set-bar', device: 'dev0', bar: 0, address: '0x10000000' },
      { op: 'enable-memory', device: 'dev0' },
    ],
  }),
  findRevision('seed-v2')!,
);

/** The finding of a trace that counts how often a flat view is looked at, which only drawing does. */
function counted() {
  let looks = 0;
  const steps = trace.steps.map((step) => ({
    ...step,
    state: new Proxy(step.state, {
      get: (state, key) => {
        if (key === 'flatView') looks++;
        return Reflect.get(state, key) as unknown;
      },
    }),
  }));
  const watched: Trace = { ...trace, steps };
  const [violation] = violationsOf(trace);
  const place = { number: 1, file: undefined, again: undefined };
  const finding = reportedFinding(findingOf(watched, violation!), place);
  return { finding, looks: () => looks };
}

describe('the pictures of a finding', () => {
  it('are not drawn before a reader asks for them, and then once', () => {
    const { finding, looks } = counted();
    expect(finding.message).toContain('is to be DMA-mapped');
    expect(looks()).toBe(0);
    const { pictures } = finding;
    expect(looks()).toBeGreaterThan(0);
    const after = looks();
    expect(finding.pictures).toBe(pictures);
    expect(looks()).toBe(after);
  });

  it('are part of the finding for a thread and for JSON', () => {
    const { finding } = counted();
    expect(structuredClone(finding).pictures).toEqual(finding.pictures);
    expect(Object.keys(finding)).toContain('pictures');
    expect(finding.pictures[0]!.table[0]).toMatch(/^address/);
  });
});
