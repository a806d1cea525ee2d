import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeRegression, type Finding } from '../campaign/index.ts';
import { findInvariant, violationsOf } from '../invariants/index.ts';
import { decodeScenario, type Scenario } from '../scenario/index.ts';
import { runOnModel } from '../model/index.ts';
import { findRevision } from '../vfio/index.ts';
import { failureBlock } from './failure-block.ts';

const seedScenario = (name: string): Scenario => {
  const file = new URL(`../../regressions/seed/${name}.json`, import.meta.url);
  return decodeRegression(JSON.parse(readFileSync(file, 'utf8'))).scenario;
};

const SEARCH = { kind: 'search', run: 15, seed: 7, path: '15:0', shrinks: 18 } as const;

/** What the scenario breaks under this name, as a finding of a search. */
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
  it('goes from name and cause over scenario and map to the command that shows it again', () => {
    const block = failureBlock(cx4(), {
      number: 2,
      replay: `barproof replay 'regressions/a folder with a name that is so long that it does not fit into a line/a.json'`,
    });
    expect(block).toMatchInlineSnapshot(`
      "2  map-aligned / bar-fragment-unaligned   (301 cases, first at 16; shrunk in 18 steps)

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
                   container's IOMMU
         observed  the VMM dies: vfio: DMA mapping failed, unable to continue: vfio_dma_map(0x8000000000,
                   0x2000) = -22 (EINVAL)
         in QEMU   hw/vfio/listener.c: vfio_container_region_add
         again     barproof replay 'regressions/a folder with a name that is so long that it does not fit into a line/a.json'
      "
    `);
  });

  it('counts one case as one', () => {
    const [heading] = failureBlock(cx4({ cases: 1, origin: { ...SEARCH, run: 0, shrinks: 0 } }), {
      number: 1,
    }).split('\n');
    expect(heading).toBe('1  map-aligned / bar-fragment-unaligned   (1 case, first at 1; shrunk in 0 steps)');
  });

  it('says of a stored case which revision it is stored for', () => {
    const [heading] = failureBlock(cx4({ origin: { kind: 'regression', stored: 'qemu-2.12' } }), {
      number: 1,
    }).split('\n');
    expect(heading).toBe('1  map-aligned / bar-fragment-unaligned   (a case stored for qemu-2.12)');
  });

  it('calls a warning one', () => {
    const warning = finding(
      seedScenario('guest-4k-on-64k-host'),
      'guest-page-reachable/unreachable-guest-page',
    );
    expect(failureBlock(warning, { number: 1 })).toMatch(/^1 {2}warning guest-page-reachable \//);
  });

  it('has no command where there is none to give', () => {
    expect(failureBlock(cx4(), { number: 1 })).not.toContain('again');
  });

  it('has no memory map where there is nothing to draw', () => {
    const bare = decodeScenario({
      version: 1,
      machine: { type: 'generic', ram: '0x10000000' },
      revision: 'seed-v2',
      host: { kernel: 'msix-mappable', iommu: { type: 'type1' } },
      devices: [{ id: 'dev0', bars: [] }],
    });
    const block = failureBlock(finding(bare, 'map-unmap-symmetric/left-after-teardown'), { number: 1 });
    expect(block).not.toContain('address');
    expect(block).not.toMatch(/\n\n\n/);
    expect(lineOf(block, 'observed')).toBe('   observed  after everything is taken away');
  });

  it('says that the VMM dies, and how, of what broke in its last step', () => {
    expect(failureBlock(cx4(), { number: 1 })).toContain(`
   observed  the VMM dies: vfio: DMA mapping failed, unable to continue: vfio_dma_map(0x8000000000,
             0x2000) = -22 (EINVAL)
`);
  });

  it('says when it was seen of what broke before the VMM died of something else', () => {
    const ram = finding(seedScenario('skip-as-posted'), 'ram-reachable/not-mapped');
    expect(ram.trace.outcome).toBe('aborted');
    expect(lineOf(failureBlock(ram, { number: 1 }), 'observed')).toBe(
      '   observed  when the machine has started',
    );
  });

  it('says that the device is refused', () => {
    const trace = { ...cx4().trace, outcome: 'rejected', error: 'vfio dev0: no' } as const;
    expect(lineOf(failureBlock(cx4({ trace }), { number: 1 }), 'observed')).toBe(
      '   observed  the device is refused: vfio dev0: no',
    );
  });

  it('says after which step it was seen', () => {
    const before = finding(seedScenario('sas3008-before'), 'msix-direct-on-opt-out/table-trapped');
    expect(lineOf(failureBlock(before, { number: 1 }), 'observed')).toBe('   observed  after step 3 of 3');
  });

  it('is the same every time, and ends with a newline', () => {
    expect(failureBlock(cx4(), { number: 1, replay: 'x' })).toBe(
      failureBlock(cx4(), { number: 1, replay: 'x' }),
    );
    expect(failureBlock(cx4(), { number: 1, replay: 'x' })).toMatch(/[^\n]\n$/);
  });

  it('has no sentence that is longer than 100 columns', () => {
    const block = failureBlock(cx4(), { number: 1 });
    const sentences = block.split('\n').filter((line) => !/^ {3}0x/.test(line));
    for (const line of sentences) expect(line.length).toBeLessThanOrEqual(103);
  });

  it('says nothing of how often when somebody asked about this very scenario', () => {
    const [heading] = failureBlock(cx4({ origin: { kind: 'scenario' } }), { number: 1 }).split('\n');
    expect(heading).toBe('1  map-aligned / bar-fragment-unaligned');
  });
});

describe('a failure block after another', () => {
  const first = cx4();
  const sameRun = (rest: Partial<Finding> = {}): Finding => ({ ...first, cause: 'another', ...rest });

  it('of the same run and about the same place does not show scenario and map again', () => {
    const block = failureBlock(sameRun(), { number: 2, previous: first });
    expect(block).not.toContain('machine  virt');
    expect(block).not.toContain('address  ');
    expect(block).toMatch(/^2 {2}map-aligned \/ another .*\n\n {3}device memory [^]+\n\n {3}expected {2}/);
  });

  it('of the same run and about another place shows the map again', () => {
    const at = { start: 0x80_0000_2000n, end: 0x80_0000_2400n };
    const violation = { ...first.violation, at };
    const block = failureBlock(sameRun({ violation }), { number: 2, previous: first });
    expect(block).not.toContain('machine  virt');
    expect(block).toMatch(/\n {3}0x8000002000-0x80000023ff .*<--\n/);
  });

  it('of another run of the same scenario shows everything', () => {
    const again = cx4();
    expect(failureBlock(again, { number: 1, previous: first })).toBe(failureBlock(again, { number: 1 }));
  });
});
