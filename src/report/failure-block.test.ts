import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { decodeRegression, type Finding } from '../campaign/index.ts';
import { findInvariant, violationsOf } from '../invariants/index.ts';
import { decodeScenario, type Scenario } from '../scenario/index.ts';
import { runOnModel } from '../model/index.ts';
import { findRevision } from '../vfio/index.ts';
import { failureBlock } from './failure-block.ts';
import { setTerminalWidth } from './wrap.ts';

const seedScenario = (name: string): Scenario => {
  const file = new URL(`../../regressions/seed/${name}.json`, import.meta.url);
  return decodeRegression(JSON.parse(readFileSync(file, 'utf8'))).scenario;
};

const SEARCH = { kind: 'search', run: 15, seed: 7, path: '15:0', shrinks: 18 } as const;

/** The finding of a search with this fingerprint in a run of the scenario. */
function finding(scenario: Scenario, name: string, rest: Partial<Finding> = {}): Finding {
  const trace = runOnModel(scenario, findRevision(scenario.revision)!);
  const violation = violationsOf(trace).find(({ invariant, cause }) => `${invariant}/${cause}` === name)!;
  expect(violation, name).toBeDefined();
  const { invariant, cause } = violation;
  const { severity } = findInvariant(invariant);
  const origin = SEARCH;
  return {
    invariant,
    cause,
    severity,
    scenario,
    violation,
    trace,
    cases: 301,
    origin,
    file: undefined,
    known: undefined,
    ...rest,
  };
}

const cx4 = (rest: Partial<Finding> = {}): Finding =>
  finding(seedScenario('cx4-64k'), 'map-aligned/bar-fragment-unaligned', rest);

const lineOf = (block: string, label: string): string =>
  block.split('\n').find((line) => line.startsWith(`   ${label} `))!;

describe('the failure block', () => {
  it('holds invariant and cause, violation, scenario, memory map, expected and observed, and the command', () => {
    const block = failureBlock(cx4(), {
      number: 2,
      replay: `barproof replay 'regressions/a folder with a name that is so long that it does not fit into a line/a.json'`,
    });
    expect(block).toMatchInlineSnapshot(`
      "2  map-aligned / bar-fragment-unaligned   (301 cases, first in case 16; shrunk in 18 steps)

         device memory "0000:01:00.0 BAR 0 mmaps[0]" is to be DMA-mapped at [0x8000000000, 0x8000001fff] from
         host address 0x7f0088210000, but the smallest page of the IOMMU has 0x10000 bytes

         machine  virt, 2 GiB RAM, host page 64 KiB, guest page 64 KiB
         host     msix-mappable kernel, type1 with pages of 64 KiB, 512 MiB
         dev0     BAR 0  32 MiB mem64p
                  MSI-X  64 vectors, table BAR 0+0x2000, PBA BAR 0+0x3000
         steps    1 set-bar dev0 BAR 0 to 0x8000000000
                  2 enable-memory dev0   <-- here

         address                         size  what                                      CPU      DMA
         0x8000000000-0x8000001fff      8 KiB  dev0 0000:01:00.0 BAR 0 mmaps[0]          -        refused, EINVAL   <--
         0x8000002000-0x80000023ff      1 KiB  dev0 msix-table                           trapped  -
         0x8000002400-0x8001ffffff  32759 KiB  dev0 0000:01:00.0 BAR 0 mmaps[0] @0x2400  -        not mapped

         expected  every VFIO_MAP_DMA has iova, size and backing address aligned to the smallest page of the
                   container's IOMMU; sPAPR registers whole pages of the host
         observed  the VMM dies: vfio: DMA mapping failed, unable to continue: vfio_dma_map(0x8000000000,
                   0x2000) = -22 (EINVAL)
         in QEMU   hw/vfio/common.c: vfio_listener_region_add
         realism   seen on a machine as firmware sets it up
         again     barproof replay 'regressions/a folder with a name that is so long that it does not fit into a line/a.json'
      "
    `);
  });

  it('writes "1 case" without a plural', () => {
    const [heading] = failureBlock(cx4({ cases: 1, origin: { ...SEARCH, run: 0, shrinks: 0 } }), {
      number: 1,
    }).split('\n');
    expect(heading).toBe(
      '1  map-aligned / bar-fragment-unaligned   (1 case, first in case 1; shrunk in 0 steps)',
    );
  });

  it('names the revision of a stored case', () => {
    const [heading] = failureBlock(cx4({ origin: { kind: 'regression', stored: 'qemu-2.12' } }), {
      number: 1,
    }).split('\n');
    expect(heading).toBe('1  map-aligned / bar-fragment-unaligned   (a case stored for qemu-2.12)');
  });

  it('marks a warning', () => {
    const warning = finding(
      seedScenario('guest-4k-on-64k-host'),
      'guest-page-reachable/unreachable-guest-page',
    );
    expect(failureBlock(warning, { number: 1 })).toMatch(/^1 {2}warning guest-page-reachable \//);
  });

  it('has no command if no file holds the case', () => {
    expect(failureBlock(cx4(), { number: 1 })).not.toContain('again');
  });

  it('has no memory map if the machine has no device memory and the violation no address', () => {
    const bare = decodeScenario({
      version: 1,
      machine: { type: 'generic', ram: '0x10000000' },
      revision: 'seed-v2',
      host: { kernel: 'msix-mappable', iommu: { type: 'type1' } },
      devices: [{ id: 'dev0', bars: [] }],
    });
    const found = finding(bare, 'map-unmap-symmetric/left-after-teardown');
    const { at: _, ...violation } = found.violation;
    const block = failureBlock({ ...found, violation }, { number: 1 });
    expect(block).not.toMatch(/^ *address /m);
    expect(block).not.toMatch(/\n\n\n/);
    expect(lineOf(block, 'observed')).toBe('   observed  after teardown');
  });

  it('gives the death of the VMM as observed for a violation in the last step', () => {
    expect(failureBlock(cx4(), { number: 1 })).toContain(`
   observed  the VMM dies: vfio: DMA mapping failed, unable to continue: vfio_dma_map(0x8000000000,
             0x2000) = -22 (EINVAL)
`);
  });

  it('gives the step as observed for a violation before the VMM died', () => {
    const ram = finding(seedScenario('skip-as-posted'), 'ram-reachable/not-mapped');
    expect(ram.trace.outcome).toBe('aborted');
    expect(lineOf(failureBlock(ram, { number: 1 }), 'observed')).toBe(
      '   observed  after the start of the machine',
    );
  });

  it('gives the refusal of the device as observed', () => {
    const trace = { ...cx4().trace, outcome: 'rejected', error: 'vfio dev0: no' } as const;
    expect(lineOf(failureBlock(cx4({ trace }), { number: 1 }), 'observed')).toBe(
      '   observed  the device is refused: vfio dev0: no',
    );
  });

  it('gives the number of the step as observed', () => {
    const before = finding(seedScenario('sas3008-before'), 'msix-direct-on-opt-out/table-trapped');
    expect(lineOf(failureBlock(before, { number: 1 }), 'observed')).toBe('   observed  after step 3 of 3');
  });

  it('is the same text every time, and ends with a newline', () => {
    expect(failureBlock(cx4(), { number: 1, replay: 'x' })).toBe(
      failureBlock(cx4(), { number: 1, replay: 'x' }),
    );
    expect(failureBlock(cx4(), { number: 1, replay: 'x' })).toMatch(/[^\n]\n$/);
  });

  it('wraps sentences after 100 columns', () => {
    const block = failureBlock(cx4(), { number: 1 });
    const sentences = block.split('\n').filter((line) => !/^ {3}0x/.test(line));
    for (const line of sentences) expect(line.length).toBeLessThanOrEqual(103);
  });

  it('gives no number of cases for a scenario that the user named', () => {
    const [heading] = failureBlock(cx4({ origin: { kind: 'scenario' } }), { number: 1 }).split('\n');
    expect(heading).toBe('1  map-aligned / bar-fragment-unaligned');
  });
});

describe('a failure block after another block', () => {
  const first = cx4();
  const sameRun = (rest: Partial<Finding> = {}): Finding => ({ ...first, cause: 'another', ...rest });

  it('leaves out scenario and map if they are the same as before', () => {
    const block = failureBlock(sameRun(), { number: 2, previous: first });
    expect(block).not.toContain('machine  virt');
    expect(block).not.toContain('address  ');
    expect(block).toMatch(/^2 {2}map-aligned \/ another .*\n\n {3}device memory [^]+\n\n {3}expected {2}/);
  });

  it('shows the map again if the violation is at other addresses', () => {
    const at = { start: 0x80_0000_2000n, end: 0x80_0000_2400n };
    const violation = { ...first.violation, at };
    const block = failureBlock(sameRun({ violation }), { number: 2, previous: first });
    expect(block).not.toContain('machine  virt');
    expect(block).toMatch(/\n {3}0x8000002000-0x80000023ff .*<--\n/);
  });

  it('shows everything of another run, even of the same scenario', () => {
    const again = cx4();
    expect(failureBlock(again, { number: 1, previous: first })).toBe(failureBlock(again, { number: 1 }));
  });
});

describe('the failure block on a terminal', () => {
  afterEach(() => setTerminalWidth(undefined));

  it.each([60, 80, 100, 200])('of %i columns has no longer line, but for the command to copy', (columns) => {
    setTerminalWidth(columns);
    const long = decodeScenario({
      ...LONG,
      devices: [{ ...LONG.devices[0]!, name: 'a-device-with-a-name-of-37-characters' }],
    });
    for (const one of [cx4(), finding(long, 'no-abort/dma-map-device-memory-EINVAL')]) {
      const lines = failureBlock(one, { number: 1, replay: 'x'.repeat(300) }).split('\n');
      expect(lines.filter((line) => line.length > columns && !line.includes('xxx'))).toEqual([]);
    }
  });

  it('shows each region in lines of its own where a table would be too wide', () => {
    setTerminalWidth(60);
    expect(failureBlock(cx4(), { number: 1 })).toContain(
      '   0x8000000000-0x8000001fff   <--\n     8 KiB  dev0 0000:01:00.0 BAR 0 mmaps[0]\n     CPU -, DMA refused, EINVAL\n',
    );
  });
});

/** A case whose lines are long: 64-bit addresses, many page sizes, and a name without a gap. */
const LONG = {
  version: 1,
  machine: { type: 'virt', ram: '0x80000000', hostPageSize: '0x10000', guestPageSize: '0x10000' },
  revision: 'seed-v2',
  host: {
    kernel: 'msix-mappable',
    iommu: { type: 'type1', pageSizes: ['0x10000', '0x20000', '0x40000', '0x20000000'] },
  },
  devices: [
    {
      id: 'dev0',
      bars: [{ index: 0, size: '0x2000000', type: 'mem64p', mmap: true }],
      msix: { vectors: 64, tableBar: 0, tableOffset: '0x2000', pbaBar: 0, pbaOffset: '0x3000' },
    },
  ],
  operations: [
    { op: 'set-bar', device: 'dev0', bar: 0, address: '0x8000000000' },
    { op: 'enable-memory', device: 'dev0' },
  ],
};
