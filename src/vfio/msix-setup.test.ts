import { describe, expect, it } from 'vitest';
import { offset } from '../address/index.ts';
import type { DeviceRules } from './device-rules.ts';
import { MEM32, P4K, P64K, plug, revision, type Bench, type FakeDevice } from './testing/fakes.ts';

const CHELSIO = { vendor: 0x1425, device: 0x5800 };
const NIC: FakeDevice = {
  bars: { 0: { size: P64K, attributes: MEM32, msixMappable: true } },
  msix: [8, 0, 0x8000n, 0, 0x9000n],
};

const withRules = (id: string, rules: Partial<DeviceRules>): Bench => {
  const base = revision(id);
  return { revision: { ...base, device: { ...base.device, ...rules } } };
};

/** What the set-up of the device throws. */
function failureOf(fake: FakeDevice, bench: Bench): unknown {
  try {
    plug(fake, bench);
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('the regions of the emulated table and PBA (vfio fact 5.11)', () => {
  it.each([
    ['6, which is none', 6],
    ['3, which the device lacks', 3],
  ])('crash QEMU 6.0 for a PBA in BAR %s, where QEMU knows the true offset', (_, pbaBar) => {
    const fake: FakeDevice = { ...NIC, ...CHELSIO, msix: [8, 0, 0x8000n, pbaBar, 0x9000n] };
    expect(failureOf(fake, { revision: revision('qemu-6.0') })).toMatchObject({
      site: 'msix-init-segfault',
      message: 'MSI-X table or PBA in a BAR that does not exist',
    });
  });

  // The area has the BAR's size, so the seed patch takes it for the parent; after a refusal the area has no region.
  const refused = { size: P64K, attributes: MEM32, sparse: [[0x800n, P64K]] } as const;
  const NEVER_MADE = {
    site: 'msix-init-segfault',
    message: 'MSI-X table or PBA in a region that was never initialised',
  };

  it('crash the seed patch for a table whose offset wraps around 4 GiB, in an area that the host refused', () => {
    const fake: FakeDevice = {
      bars: { 0: refused, 2: { size: P64K, attributes: MEM32 } },
      msix: [1, 0, 0xffff_fff0n, 2, 0n],
      refusesMmap: (bar) => bar === 0,
    };
    expect(failureOf(fake, { revision: revision('seed-v2') })).toMatchObject(NEVER_MADE);
  });

  it('crash the seed patch for a PBA whose offset wraps around 4 GiB, in an area that the host refused', () => {
    const fake: FakeDevice = {
      bars: { 0: refused, 2: { size: P64K, attributes: MEM32 } },
      msix: [1, 2, 0n, 0, 0xffff_fff8n],
      refusesMmap: (bar) => bar === 0,
    };
    const bench = withRules('seed-v2', { correctPbaOffset: () => offset(0xffff_fff8n) });
    expect(failureOf(fake, bench)).toMatchObject(NEVER_MADE);
  });

  it.each([true, false])('show the PBA to the guest only if a patch says so: %s', (showsPba) => {
    const { device, view } = plug(NIC, withRules('qemu-11.1', { showsPba }));
    device.setBar(0, 0xd000_0000n);
    device.setMemoryEnabled(true);
    expect(view().some((line) => line.includes('msix-pba'))).toBe(showsPba);
  });

  it.each([
    ['seed-v2', true, 'table-disabled', NIC.msix],
    ['seed-v2+skip-in-msix-init', true, 'not-added', undefined],
    ['seed-v2+reserved-bir', true, 'capability-rewritten', undefined],
    ['seed-v2', false, 'emulated', NIC.msix],
  ] as const)('are told of in %s, opt-out %s (%s)', (id, machineOptsOutOfMsixEmulation, _, made) => {
    const { device } = plug(NIC, { revision: revision(id), machineOptsOutOfMsixEmulation });
    expect(device.msixRegions).toEqual(
      made && { vectors: 8, tableBar: 0, tableOffset: 0x8000n, pbaBar: 0, pbaOffset: 0x9000n },
    );
  });
});

describe('the mmaps of a device that MSI-X set-up does not accept', () => {
  const reasonsFor = (msix: NonNullable<FakeDevice['msix']>, id: string): readonly string[] => {
    const reasons: string[] = [];
    const bench = withRules(id, {
      releasesAreas: (why) => {
        reasons.push(why);
        return true;
      },
    });
    const fake: FakeDevice = { ...NIC, ...CHELSIO, msix };
    expect(failureOf(fake, bench)).toBeDefined();
    return reasons;
  };

  it('are taken back if QEMU refuses the device', () => {
    // The table overlaps the PBA.
    expect(reasonsFor([8, 0, 0x8000n, 0, 0x8008n], 'qemu-11.1')).toEqual(['refused-device']);
  });

  it('are left to the end of the process if QEMU dies', () => {
    expect(reasonsFor([8, 0, 0x8000n, 6, 0x9000n], 'qemu-6.0')).toEqual([]);
  });
});

describe('relocation of a table out of BAR 2', () => {
  it('leaves the area of the small BAR that takes the table as it is', () => {
    const fake: FakeDevice = {
      bars: { 0: { size: P4K, attributes: MEM32 }, 2: { size: P64K, attributes: MEM32 } },
      msix: [8, 2, 0n, 2, 0x1000n],
    };
    const { log } = plug(fake, { hostPageSize: P64K, options: { msixRelocation: 'bar0' } });
    const mmaps = log.take().flatMap((event) => (event.type === 'mmap' ? [event] : []));
    expect(mmaps.map(({ bar, offset: at, size }) => [bar, at, size])).toEqual([[0, 0n, P4K]]);
  });
});
