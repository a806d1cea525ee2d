import { describe, expect, it } from 'vitest';
import { decodeScenario, type Scenario } from '../scenario/index.ts';
import { runOnModel } from '../model/index.ts';
import type { Step } from '../trace/index.ts';
import { NEWEST } from '../vfio/index.ts';
import { canBeUndone, hardwareOf } from './hardware.ts';

const bars = [
  { index: 0, size: '0x4000', type: 'mem32' },
  { index: 2, size: '0x10000', type: 'mem32' },
  { index: 4, size: '0x40', type: 'io' },
];
const msix = { vectors: 4, tableBar: 2, tableOffset: '0x0', pbaBar: 2, pbaOffset: '0x8000' };

const scenarioWith = (
  operations: readonly object[],
  { hostPageSize = '0x1000', kernel = 'msix-mappable' } = {},
): Scenario =>
  decodeScenario({
    version: 1,
    machine: { type: 'virt', ram: '0x20000000', hostPageSize, guestPageSize: hostPageSize },
    host: { kernel, iommu: { type: 'vfio-user' } },
    devices: [
      { id: 'dev0', bars, msix },
      { id: 'dev1', bars },
    ],
    operations,
  });

const place = (bar: number, address: string) => [
  { op: 'set-bar', device: 'dev0', bar, address },
  { op: 'enable-memory', device: 'dev0' },
];

describe('hardwareOf', () => {
  it('is the same for scenarios that differ in their operations', () => {
    expect(hardwareOf(scenarioWith(place(0, '0x10000000')))).toBe(hardwareOf(scenarioWith([])));
  });

  it('differs between hosts, and between devices from the start', () => {
    const plain = hardwareOf(scenarioWith([]));
    expect(hardwareOf(scenarioWith([], { kernel: 'sparse-msix' }))).not.toBe(plain);
    expect(hardwareOf(scenarioWith([{ op: 'hotplug', device: 'dev1' }]))).not.toBe(plain);
  });
});

describe('canBeUndone', () => {
  const undone = (scenario: Scenario): boolean => {
    const steps: readonly Step[] = runOnModel(scenario, NEWEST).steps;
    return canBeUndone(scenario, steps);
  };

  it('is true where the guest wrote registers', () => {
    expect(undone(scenarioWith([...place(0, '0x10000000'), { op: 'enable-msix', device: 'dev0' }]))).toBe(
      true,
    );
  });

  it('is false where the guest masked a vector', () => {
    expect(undone(scenarioWith([{ op: 'mask-vector', device: 'dev0', vector: 0, masked: false }]))).toBe(
      false,
    );
  });

  it('is false where a BAR below the page size was at the start of a page', () => {
    const page = { hostPageSize: '0x10000' };
    expect(undone(scenarioWith(place(0, '0x10010000'), page))).toBe(false);
    expect(undone(scenarioWith(place(0, '0x10014000'), page))).toBe(true);
    expect(undone(scenarioWith(place(0, '0x10010000').slice(0, 1), page))).toBe(true);
    expect(undone(scenarioWith([...place(0, '0x10014000'), ...place(2, '0x10020000')], page))).toBe(true);
    expect(undone(scenarioWith(place(0, '0x10010000')))).toBe(true);
  });
});
