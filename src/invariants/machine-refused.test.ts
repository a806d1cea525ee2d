import { describe, expect, it } from 'vitest';
import { isMachineRefused } from './machine-refused.ts';
import { ramOverHyperTransport } from './ram-over-hyper-transport.ts';
import { mapEvent, message, scenario, trace, unmapEvent } from './testing/index.ts';

const GIB = 1n << 30n;
const TIB = 1n << 40n;
const HYPER_TRANSPORT = 0xfd_0000_0000n;

describe('a machine that the VMM refuses (machine facts 11.7 and 11.8)', () => {
  it.each([
    ['Address space limit 0xfffffffff < 0x1, phys-bits too low (36)', true],
    ['Addressing limited to 36 bits, but memory exceeds it', true],
    ['vfio: Addressing limited to 36 bits', false],
    ['Addressing limited to few bits', false],
    ['vfio 0000:00:02.0: no', false],
    [undefined, false],
  ])('is known by %s: %s', (error, refused) => {
    expect(isMachineRefused({ outcome: 'rejected', error })).toBe(refused);
  });

  it('has not started', () => {
    expect(isMachineRefused({ outcome: 'ok', error: 'phys-bits too low' })).toBe(false);
    expect(isMachineRefused({ outcome: 'aborted', error: 'phys-bits too low' })).toBe(false);
  });
});

describe('the refused DMA map of RAM over HyperTransport (machine fact 11.7)', () => {
  const of = (
    vendor: 'amd' | 'intel',
    [start, size, errno]: readonly [bigint, bigint, number],
    more: object = {},
  ) => {
    const events = [
      message(),
      unmapEvent(start, size),
      mapEvent(start, size, { errno: errno as never, ...more }),
    ];
    const machine = { type: 'q35', cpu: { vendor, physBits: 48 } };
    return ramOverHyperTransport(trace([{}, { events }], { scenario: scenario({ machine }) }));
  };

  it('is one that reaches below 1 TiB and above 1012 GiB, on a CPU of AMD', () => {
    expect(of('amd', [HYPER_TRANSPORT, GIB, 22])).toMatchObject({ type: 'dma-map', iova: HYPER_TRANSPORT });
    expect(of('amd', [0n, HYPER_TRANSPORT + 1n, 22])).toMatchObject({ iova: 0n });
    expect(of('amd', [TIB - 1n, GIB, 22])).toBeDefined();
  });

  it('is none on another CPU, elsewhere, of device memory, or granted', () => {
    expect(of('intel', [HYPER_TRANSPORT, GIB, 22])).toBeUndefined();
    expect(of('amd', [0n, HYPER_TRANSPORT, 22])).toBeUndefined();
    expect(of('amd', [TIB, GIB, 22])).toBeUndefined();
    expect(of('amd', [HYPER_TRANSPORT, GIB, 22], { deviceMemory: true })).toBeUndefined();
    expect(of('amd', [HYPER_TRANSPORT, GIB, 0])).toBeUndefined();
  });

  it('is none that is granted although a later event of other kind is refused', () => {
    const machine = { type: 'q35', cpu: { vendor: 'amd', physBits: 48 } };
    const refusedUnmap = { ...unmapEvent(HYPER_TRANSPORT, GIB, { errno: 22 as never }), deviceMemory: false };
    expect(
      ramOverHyperTransport(trace([{ events: [refusedUnmap] }], { scenario: scenario({ machine }) })),
    ).toBeUndefined();
    expect(ramOverHyperTransport(trace([], { scenario: scenario({ machine }) }))).toBeUndefined();
  });

  it('is none of memory that the scenario has put there', () => {
    const added = (name: string) => {
      const operations = [
        { op: 'add-region', name, kind: 'ram', address: '0xfd00000000', size: '0x1000', priority: 0 },
      ];
      const machine = { type: 'q35', cpu: { vendor: 'amd', physBits: 48 } };
      const refused = mapEvent(HYPER_TRANSPORT, GIB, {
        errno: 22 as never,
        region: 'mem',
      });
      return ramOverHyperTransport(
        trace([{ events: [refused] }], { scenario: scenario({ machine, operations }) }),
      );
    };
    expect(added('mem')).toBeUndefined();
    expect(added('other')).toBeDefined();
  });
});
