import { describe, expect, it } from 'vitest';
import { Errno } from '../host/index.ts';
import { incrementalEqualsScratch } from './incremental-equals-scratch.ts';
import {
  PAGE,
  bar,
  causes,
  container,
  device,
  judge,
  mapEvent,
  mapping,
  saysNothing,
  scenario,
  state,
  trace,
  windowEvent,
  type BackingOptions,
} from './testing/index.ts';

type Mappings = readonly ReturnType<typeof mapping>[];
type More = Parameters<typeof trace>[1];

/** A run whose listener ends with the mappings `grown`, and a new listener with `fresh`. */
const compare = (grown: Mappings, fresh: Mappings, more: More = {}) =>
  trace([{ state: state() }, { state: state({ containers: [container(grown)] }) }], {
    scratch: [container(fresh)],
    ...more,
  });
const of = (grown: Mappings, fresh: Mappings, more: More = {}) =>
  causes(incrementalEqualsScratch, compare(grown, fresh, more));

const page = mapping(0n, PAGE);

describe('incremental-equals-scratch', () => {
  it('accepts equal mappings', () => {
    const two = [page, mapping(PAGE, PAGE, { offset: PAGE })];
    const judged = compare(two, [{ ...page }, { ...two[1]! }]);
    expect(judge(incrementalEqualsScratch, judged)).toMatchObject({ causes: [], exercised: 1 });
    expect(of([], [])).toEqual([]);
  });

  it('reports a mapping that only one of the two listeners has', () => {
    expect(of([page], [])).toEqual(['extra-mapping']);
    expect(of([], [page])).toEqual(['lacking-mapping']);
    expect(of([page], [mapping(PAGE, PAGE)])).toEqual(['extra-mapping', 'lacking-mapping']);
  });

  it.each<[string, bigint, BackingOptions]>([
    ['a size one byte less', PAGE - 1n, {}],
    ['another region', PAGE, { region: 'rom' }],
    ['another owner', PAGE, { owner: 'dev0' }],
    ['another offset', PAGE, { offset: 1n }],
    ['another permission', PAGE, { readonly: true }],
  ])('takes a mapping with %s for a different one', (_, size, shown) => {
    expect(of([page], [mapping(0n, size, shown)])).toEqual(['extra-mapping', 'lacking-mapping']);
  });

  it('does not compare host addresses, which may differ in a new container', () => {
    expect(of([page], [mapping(0n, PAGE, { hostAddress: 0n })])).toEqual([]);
  });

  it('names the mapping and the last step', () => {
    const { violations } = judge(incrementalEqualsScratch, compare([page], [mapping(PAGE, PAGE)]));
    expect(violations).toMatchObject([
      { step: 1, message: 'container has [0x0, 0xfff] "ram", which a new listener would not map' },
      { step: 1, message: 'container lacks [0x1000, 0x1fff] "ram", which a new listener would map' },
    ]);
  });

  it('names the first mapping that differs, and reports the side alone on which there is one more', () => {
    const [next, other] = [mapping(PAGE, PAGE), mapping(2n * PAGE, PAGE)];
    const said = (grown: Mappings, fresh: Mappings) =>
      judge(incrementalEqualsScratch, compare(grown, fresh)).violations.map(({ message }) => message);
    expect(said([page, next], [page, other])).toEqual([
      'container has [0x1000, 0x1fff] "ram", which a new listener would not map',
      'container lacks [0x2000, 0x2fff] "ram", which a new listener would map',
    ]);
    expect(of([page, next], [page])).toEqual(['extra-mapping']);
    expect(of([next], [page, next])).toEqual(['lacking-mapping']);
  });

  it('compares containers by name', () => {
    const containers = [container([page], 'a'), container([], 'b'), container([page], 'not made anew')];
    const scratch = [container([], 'b'), container([page], 'a'), container([page], 'gone')];
    const judged = trace([{ state: state({ containers }) }], { scratch });
    expect(judge(incrementalEqualsScratch, judged)).toMatchObject({ causes: [], exercised: 2 });
  });

  it('has causes of their own for mappings that differ at the limit of mappings', () => {
    const limited = scenario({ host: { iommu: { type: 'type1', maxMappings: 4 } } });
    const ranOut = (errno: Errno) =>
      trace(
        [
          { events: [mapEvent(PAGE, PAGE, { errno })] },
          { state: state({ containers: [container([page])] }) },
        ],
        { scratch: [container([mapping(PAGE, PAGE)])], scenario: limited },
      );
    expect(causes(incrementalEqualsScratch, ranOut(Errno.ENOSPC))).toEqual([
      'extra-mapping-at-limit',
      'lacking-mapping-at-limit',
    ]);
    expect(causes(incrementalEqualsScratch, ranOut(Errno.EINVAL))).toEqual([
      'extra-mapping',
      'lacking-mapping',
    ]);
    const window = windowEvent('window-create', PAGE, PAGE, { errno: Errno.ENOSPC });
    const [, last] = ranOut(Errno.ENOSPC).steps;
    const withoutWindow = { ...ranOut(Errno.ENOSPC), steps: [{ ...last!, events: [window] }, last!] };
    expect(causes(incrementalEqualsScratch, withoutWindow)).toEqual(['extra-mapping', 'lacking-mapping']);
    // Neither a limit that is not reached, nor ENOSPC without a limit.
    expect(of([page], [], { scenario: limited })).toEqual(['extra-mapping']);
    expect(causes(incrementalEqualsScratch, { ...ranOut(Errno.ENOSPC), scenario: scenario() })).toEqual([
      'extra-mapping',
      'lacking-mapping',
    ]);
  });

  it('checks nothing after a refusal or an abort, and without a container', () => {
    const judged = compare([page], []);
    for (const outcome of ['aborted', 'rejected'] as const) {
      expect(saysNothing(incrementalEqualsScratch, { ...judged, outcome, scratch: undefined })).toBe(true);
    }
    expect(saysNothing(incrementalEqualsScratch, trace([{}], { scratch: [] }))).toBe(true);
    expect(saysNothing(incrementalEqualsScratch, trace([], { scratch: [container([page])] }))).toBe(true);
    expect(saysNothing(incrementalEqualsScratch, trace([{}], { scratch: [container([page])] }))).toBe(true);
  });

  it('reports a stale mapping as such, with a limit or without', () => {
    const limited = scenario({ host: { iommu: { type: 'type1', maxMappings: 4 } } });
    const judged = trace(
      [
        { events: [mapEvent(PAGE, PAGE, { errno: Errno.ENOSPC, container: 'another' })] },
        { state: state({ containers: [container([page])] }) },
      ],
      { scratch: [container([])], scenario: limited },
    );
    expect(causes(incrementalEqualsScratch, judged)).toEqual(['extra-mapping']);
  });

  describe('a BAR', () => {
    const placed = (
      at: bigint | undefined,
      register: { readonly address: bigint; readonly decoding?: boolean; readonly hasPower?: boolean },
      {
        type = 'mem32',
        size = PAGE,
        machine = { type: 'generic' },
        revision = 'qemu-11.1',
      }: {
        readonly type?: 'mem32' | 'mem64';
        readonly size?: bigint;
        readonly machine?: { readonly type: string };
        readonly revision?: string;
      } = {},
    ) =>
      causes(
        incrementalEqualsScratch,
        trace([{ state: state({ devices: [device([bar(0, size, { address: at, type })])] }) }], {
          barRegisters: [{ device: 'dev0', bar: 0, decoding: true, ...register }],
          scenario: scenario({ machine }),
          revision,
        }),
      );

    it('has to be mapped at the address in its register', () => {
      expect(placed(0x1000n, { address: 0x1000n })).toEqual([]);
      expect(placed(0x1000n, { address: 0x2000n })).toEqual(['bar-misplaced']);
      expect(placed(undefined, { address: 0x2000n })).toEqual(['bar-misplaced']);
    });

    it('must not be mapped while COMMAND disables it', () => {
      expect(placed(undefined, { address: 0x1000n, decoding: false })).toEqual([]);
      expect(placed(0x1000n, { address: 0x1000n, decoding: false })).toEqual(['bar-misplaced']);
    });

    it('must not be mapped in another power state than D0', () => {
      expect(placed(undefined, { address: 0x1000n, hasPower: false })).toEqual([]);
      expect(placed(0x1000n, { address: 0x1000n, hasPower: false })).toEqual(['bar-mapped-outside-d0']);
    });

    it('may be unmapped at the end of its space', () => {
      expect(placed(undefined, { address: (1n << 32n) - PAGE })).toEqual([]);
      expect(placed(undefined, { address: (1n << 64n) - PAGE }, { type: 'mem64' })).toEqual([]);
    });

    it('may be unmapped if it has one byte', () => {
      expect(placed(undefined, { address: 0x1000n }, { size: 1n })).toEqual([]);
      expect(placed(undefined, { address: 0x1000n }, { size: 2n })).toEqual(['bar-misplaced']);
    });

    it.each([
      ['a 32-bit BAR one size below 4 GiB', { address: (1n << 32n) - 2n * PAGE }, {}],
      ['a 64-bit BAR that ends at 4 GiB', { address: (1n << 32n) - PAGE }, { type: 'mem64' }],
      ['a 64-bit BAR one size below 2^64', { address: (1n << 64n) - 2n * PAGE }, { type: 'mem64' }],
      ['a BAR that fills the window of pseries', { address: 33n << 40n }, { type: 'mem64', size: 1n << 40n }],
    ] as const)('has to be mapped: %s', (_, register, of) => {
      expect(placed(undefined, register, of)).toEqual(['bar-misplaced']);
      expect(placed(register.address, register, of)).toEqual([]);
    });

    it.each(['virt', 'pseries'])('has to be mapped at address 0 on %s', (type) => {
      expect(placed(undefined, { address: 0n }, { machine: { type } })).toEqual(['bar-misplaced']);
      expect(placed(0n, { address: 0n }, { machine: { type } })).toEqual([]);
    });

    it.each(['pc', 'q35', 'generic'])('must not be mapped at address 0 on %s', (type) => {
      expect(placed(undefined, { address: 0n }, { machine: { type } })).toEqual([]);
      expect(placed(0n, { address: 0n }, { machine: { type } })).toEqual(['bar-misplaced']);
    });

    it('may be mapped at address 0 by cloud-hypervisor', () => {
      const of = { revision: 'cloud-hypervisor-53.0' };
      expect(placed(undefined, { address: 0n }, of)).toEqual([]);
      expect(placed(0n, { address: 0n }, of)).toEqual([]);
      expect(placed(0x1000n, { address: 0n }, of)).toEqual(['bar-misplaced']);
    });
  });
});

describe('incremental-equals-scratch for the registers of BARs', () => {
  const A = 0xd000_0000n;
  /** What is said of BAR 0 of dev0, which the VMM maps at `address`, and of its register. */
  const said = (address: bigint | undefined, register: object, more: object = {}) => {
    const devices = [device([bar(0, PAGE, { address })])];
    const barRegisters = [{ device: 'dev0', bar: 0, address: A, decoding: true, ...register }];
    const { violations, exercised } = judge(
      incrementalEqualsScratch,
      trace([{ state: state({ devices }) }], { barRegisters, ...more }),
    );
    return { words: violations.map(({ message }) => message), exercised };
  };

  it('names the register, and where the VMM maps the BAR', () => {
    expect(said(A, {})).toEqual({ words: [], exercised: 1 });
    expect(said(A + PAGE, {}).words).toEqual([
      'BAR 0 of dev0 has 0xd0000000 in its register, but the VMM maps it at 0xd0001000',
    ]);
    expect(said(undefined, {}).words).toEqual([
      'BAR 0 of dev0 has 0xd0000000 in its register, but the VMM does not map it',
    ]);
    expect(said(A, { decoding: false }).words).toEqual([
      'BAR 0 of dev0 is disabled in the COMMAND register, but the VMM maps it at 0xd0000000',
    ]);
    expect(said(A, { hasPower: false }).words).toEqual([
      'BAR 0 of dev0 is mapped at 0xd0000000 in a power state without memory',
    ]);
  });

  it('says nothing of BARs and devices that are not there', () => {
    expect(said(A, { bar: 1 })).toEqual({ words: [], exercised: 0 });
    expect(said(A, { device: 'dev1' })).toEqual({ words: [], exercised: 0 });
  });
});
