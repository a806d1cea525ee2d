import { describe, expect, it } from 'vitest';
import { decodeScenario, type Scenario } from '../scenario/index.ts';
import { recast } from './recast.ts';

const scenario = (type: string, iommu: object, address: string, ram = '0x10001000'): Scenario =>
  decodeScenario({
    version: 1,
    machine: { type, ram },
    host: { kernel: 'msix-mappable', iommu },
    devices: [{ id: 'dev0', bars: [{ index: 0, size: '0x4000', type: 'mem64' }] }],
    operations: [{ op: 'set-bar', device: 'dev0', bar: 0, address }],
  });
const PCS = { 'vfio-user': ['pc'], kernel: ['pc', 'q35'] } as const;
const addressOf = (found: Scenario | undefined): bigint | undefined => {
  const [first] = found!.operations;
  return first?.op === 'set-bar' ? first.address : undefined;
};

describe('recast', () => {
  it('leaves a scenario alone whose machine was built', () => {
    const known = scenario('pc', { type: 'type1' }, '0xc0000000');
    expect(recast(known, PCS)).toBe(known);
  });

  it('gives a scenario another machine, RAM that QEMU does not round, and the 32-bit window of that machine', () => {
    const found = recast(scenario('virt', { type: 'iommufd' }, '0x10008000'), PCS)!;
    expect(found.machine).toMatchObject({ type: 'q35', ram: 0x1000_2000n, msixEmulation: 'machine-default' });
    expect(addressOf(found)).toBe(0xc000_8000n);
    expect(found.host.iommu.type).toBe('iommufd');
  });

  it('keeps addresses outside the window, or of which the other window has no place', () => {
    expect(addressOf(recast(scenario('virt', { type: 'type1' }, '0x8000000000'), PCS))).toBe(0x80_0000_0000n);
    expect(addressOf(recast(scenario('generic', { type: 'type1' }, '0xf0000000'), PCS))).toBe(0xf000_0000n);
  });

  it('gives a scenario of sPAPR a container of type1', () => {
    const found = recast(scenario('pseries', { type: 'spapr-tce-v2' }, '0x80000000'), PCS)!;
    expect(found.host.iommu).toMatchObject({ type: 'type1' });
    expect(addressOf(found)).toBe(0xc000_0000n);
  });

  it.each(['type1', 'iommufd'])('gives a scenario of %s on pseries an sPAPR container', (type) => {
    const found = recast(scenario('q35', { type, pageSizes: ['0x200000'] }, '0xc0000000'), {
      'vfio-user': [],
      kernel: ['pseries'],
    })!;
    expect(found.machine).toMatchObject({ type: 'pseries', ram: 0x2000_0000n });
    expect(found.host.iommu).toEqual({ type: 'spapr-tce-v2', pageSizes: [0x1000n, 0x1_0000n] });
    expect(addressOf(found)).toBe(0x8000_0000n);
  });

  it('leaves scenarios of virt and pseries alone where these were built, beside those of x86', () => {
    const machines = { 'vfio-user': ['q35', 'virt', 'pseries'], kernel: ['q35', 'virt', 'pseries'] } as const;
    const arm = scenario('virt', { type: 'type1' }, '0x10000000');
    const power = scenario('pseries', { type: 'spapr-tce-v2' }, '0x80000000', '0x10000000');
    expect([recast(arm, machines), recast(power, machines)]).toEqual([arm, power]);
    expect(recast(scenario('generic', { type: 'type1' }, '0x80000000'), machines)!.machine.type).toBe('q35');
  });

  it('finds nothing where no machine was built for the way of the scenario', () => {
    const served = scenario('virt', { type: 'vfio-user' }, '0x10000000');
    expect(recast(served, { 'vfio-user': [], kernel: ['pc'] })).toBeUndefined();
    expect(recast(served, PCS)!.machine.type).toBe('pc');
  });
});
