import { describe, expect, it } from 'vitest';
import type { State, Trace } from '../trace/index.ts';
import { metricsOf } from './metrics.ts';
import { PAGE, container, flat, mapping, memslot, region, state, trace } from './testing/index.ts';

const MMAP = region('dev0 BAR 0 mmaps[0]', 'ram-device', 'dev0');
const TABLE = region('msix-table', 'io', 'dev0');
const shown = { region: MMAP.name, owner: 'dev0' };

const after = (last: State, outcome: Trace['outcome'] = 'ok') =>
  metricsOf(trace([{ state: last }], { outcome }));

describe('the metrics', () => {
  it('are all 0 for an empty machine', () => {
    expect(after(state())).toEqual({
      directMappedBytes: 0n,
      trappedBytes: 0n,
      undecidedBytes: 0n,
      p2pMappedBytes: 0n,
      flatRanges: 0,
      memslots: 0,
      maps: 0,
    });
  });

  it('count direct-mapped and trapped bytes of devices, not of RAM', () => {
    const flatView = [
      flat(0n, 16n * PAGE),
      flat(0xc000_0000n, PAGE, MMAP),
      flat(0xc000_1000n, 0x10n, TABLE),
      flat(0xc000_1010n, 0xff0n, MMAP, { offset: PAGE + 0x10n }),
    ];
    const memslots = [memslot(0n, 16n * PAGE), memslot(0xc000_0000n, PAGE, { ...shown, slot: 1 })];
    expect(after(state({ flatView, memslots }))).toMatchObject({
      directMappedBytes: PAGE,
      // The table, and the rest of its page.
      trappedBytes: PAGE,
      flatRanges: 4,
      memslots: 2,
    });
  });

  it('subtract from trapped bytes only those that memslots and flat view have in common', () => {
    const memslots = [memslot(0xc000_0000n, PAGE, shown)];
    const view = (start: bigint) => state({ flatView: [flat(start, PAGE, TABLE)], memslots });
    expect(after(view(0xd000_0000n))).toMatchObject({ directMappedBytes: PAGE, trappedBytes: PAGE });
    expect(after(view(0xc000_0800n))).toMatchObject({ trappedBytes: 0x800n });
    expect(after(view(0xbfff_f800n))).toMatchObject({ trappedBytes: 0x800n });
    expect(after(view(0xc000_1000n))).toMatchObject({ trappedBytes: PAGE });
  });

  it('leave open what a VMM that died did with memory that has no slot', () => {
    const flatView = [flat(0xc000_0000n, 2n * PAGE, MMAP), flat(0xc000_2000n, PAGE, TABLE)];
    const memslots = [memslot(0xc000_0000n, PAGE, shown)];
    const sums = (outcome: Trace['outcome']) => {
      const { directMappedBytes, trappedBytes, undecidedBytes } = after(
        state({ flatView, memslots }),
        outcome,
      );
      return [directMappedBytes, trappedBytes, undecidedBytes];
    };
    expect(sums('ok')).toEqual([PAGE, 2n * PAGE, 0n]);
    expect(sums('aborted')).toEqual([PAGE, PAGE, PAGE]);
  });

  it('count P2P bytes of the container that maps most, and the mappings of all containers', () => {
    const containers = [
      container([mapping(0n, 16n * PAGE), mapping(0xc000_0000n, PAGE, shown)], 'a'),
      container([mapping(0xc000_0000n, PAGE, shown), mapping(0xc000_1000n, PAGE, shown)], 'b'),
      container([mapping(0n, PAGE)], 'c'),
    ];
    expect(after(state({ containers }))).toMatchObject({ p2pMappedBytes: 2n * PAGE, maps: 5 });
  });

  it('take whole pages of device memory for memslots where the target shows none', () => {
    const flatView = [
      flat(0n, 16n * PAGE),
      // One whole page, between two halves.
      flat(0xc000_0800n, 2n * PAGE, MMAP),
      flat(0xc000_8100n, 0x100n, MMAP),
      flat(0xc001_0000n, PAGE, TABLE),
    ];
    const last = state({ flatView, memslots: [memslot(0xc000_0000n, PAGE, shown)] });
    expect(metricsOf(trace([{ state: last }], { hidesMemslots: true }))).toMatchObject({
      directMappedBytes: PAGE,
      trappedBytes: PAGE + 0x100n + PAGE,
    });
    expect(metricsOf(trace([{ state: last }]))).toMatchObject({
      directMappedBytes: PAGE,
      // The first half page is in the memslot.
      trappedBytes: 2n * PAGE - 0x800n + 0x100n + PAGE,
    });
  });
});
