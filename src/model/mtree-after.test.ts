import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeScenario, type Scenario } from '../scenario/index.ts';
import { mtreeAfter } from './mtree-after.ts';
import { requireRevision } from './require-revision.ts';

const file = new URL('../../regressions/seed/cx4-64k.json', import.meta.url);
const { scenario: json } = JSON.parse(readFileSync(file, 'utf8')) as { scenario: Record<string, unknown> };
const CX4 = decodeScenario(json);

const lines = (revision: string, scenario: Scenario = CX4): readonly string[] =>
  mtreeAfter(scenario, requireRevision(revision), { flat: true }).text.split('\n');

describe('mtreeAfter prints the word of KVM behind a flat range', () => {
  it('that has a memslot of exactly its size', () => {
    expect(
      lines('qemu-11.1')
        .filter((line) => line.endsWith(' KVM'))
        .join('\n'),
    ).toContain('mach-virt.ram');
  });

  it('and not behind one whose slot was trimmed, or behind emulated registers', () => {
    const device = lines('qemu-11.1').filter((line) => /BAR|msix-table|pl011/.test(line));
    expect(device.length).toBeGreaterThan(2);
    expect(device.filter((line) => line.endsWith('KVM'))).toEqual([]);
  });

  it('not before QEMU 4.1, which printed none', () => {
    expect(lines('qemu-2.12').filter((line) => /kvm|KVM/i.test(line.replace(/.*\): /, '')))).toEqual([]);
  });

  it('not with vfio-user, where no KVM is', () => {
    const served = decodeScenario({
      ...json,
      revision: 'qemu-11.1',
      host: { kernel: 'msix-mappable', iommu: { type: 'vfio-user', pageSizes: ['0x1000'] } },
    });
    expect(lines('qemu-11.1', served).filter((line) => line.endsWith('KVM'))).toEqual([]);
  });
});
