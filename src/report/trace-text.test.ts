import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeRegression } from '../campaign/index.ts';
import { violationsOf } from '../invariants/index.ts';
import { decodeScenario, type Scenario } from '../scenario/index.ts';
import { runOnModel } from '../model/index.ts';
import { findRevision } from '../vfio/index.ts';
import { traceToText } from './trace-text.ts';

const run = (scenario: Scenario): string => {
  const revision = findRevision(scenario.revision)!;
  const trace = runOnModel(scenario, revision);
  return traceToText(trace, violationsOf(trace), revision);
};

const seedScenario = (name: string): Scenario => {
  const file = new URL(`../../regressions/seed/${name}.json`, import.meta.url);
  return decodeRegression(JSON.parse(readFileSync(file, 'utf8'))).scenario;
};

describe('traceToText', () => {
  it('writes scenario, outcome, flat view, mappings, device memory and verdict', () => {
    expect(run(seedScenario('sas3008-after-emulation'))).toMatchInlineSnapshot(`
      "machine  pseries, 2 GiB RAM, host page 64 KiB, guest page 64 KiB, MSI-X emulation on
      host     msix-mappable kernel, spapr-tce-v2 with pages of 4 KiB, 64 KiB, 16 MiB
      dev0     BAR 1  64 KiB mem64
               BAR 3  256 KiB mem64
               MSI-X  96 vectors, table BAR 1+0xe000, PBA BAR 1+0xf000
      steps    1 set-bar dev0 BAR 1 to 0x210000000000
               2 set-bar dev0 BAR 3 to 0x210000040000
               3 enable-memory dev0

      seed-v2: ok

      flat view
        0x0-0x7fffffff ram ppc_spapr.ram
        0x210000000000-0x21000000dfff ramd 0001:03:00.0 BAR 1 mmaps[0]
        0x21000000e000-0x21000000e5ff i/o msix-table
        0x21000000e600-0x21000000ffff ramd 0001:03:00.0 BAR 1 mmaps[0] @0xe600
        0x210000040000-0x21000007ffff ramd 0001:03:00.0 BAR 3 mmaps[0]

      DMA mappings of container

      device memory
        256 KiB direct-mapped, 64 KiB trapped, 0 bytes mapped for P2P DMA

      every invariant holds
      "
    `);
  });

  it('lists violations', () => {
    const text = run(seedScenario('sas3008-before'));
    expect(text).not.toContain('every invariant holds');
    expect(text).toMatch(/\n\nviolations\n {2}msix-direct-on-opt-out\/rest-of-page-trapped: /);
  });

  it('says why a run was not compared with the model, with and without violations', () => {
    const verdictOf = (name: string): string => {
      const scenario = seedScenario(name);
      const revision = findRevision(scenario.revision)!;
      const trace = { ...runOnModel(scenario, revision), notCompared: 'another version' };
      const lines = traceToText(trace, violationsOf(trace), revision).split('\n');
      return lines.find((line) => line.includes('another version'))!;
    };
    expect(verdictOf('sas3008-after')).toBe(
      'every invariant holds, not compared with the model: another version',
    );
    expect(verdictOf('sas3008-before')).toBe('violations, not compared with the model: another version');
  });

  it('gives the outcome and the error', () => {
    expect(run(seedScenario('cx4-64k'))).toContain(
      '\n\nseed-v2: aborted: vfio: DMA mapping failed, unable to continue: vfio_dma_map(0x8000000000, 0x2000) = -22 (EINVAL)\n\n',
    );
  });

  it('lists the mappings of each container, with read-only ones and offsets into regions', () => {
    const text = run(
      decodeScenario({
        version: 1,
        machine: { type: 'generic', ram: '0x10000000' },
        host: { kernel: 'msix-mappable', iommu: { type: 'vfio-user' } },
        devices: [
          { id: 'dev0', bars: [] },
          { id: 'dev1', bars: [] },
        ],
        operations: [
          { op: 'add-region', name: 'boot', kind: 'rom', address: '0x1000', size: '0x1000', priority: 1 },
        ],
      }),
    );
    for (const id of ['dev0', 'dev1']) {
      expect(text).toContain(
        `DMA mappings of ${id}\n  0x0+0x1000 ram\n  0x1000+0x1000 read-only boot\n  0x2000+0xfffe000 ram @0x2000\n`,
      );
    }
    expect(text).toContain('  0x1000-0x1fff rom boot\n');
  });

  it('says of device memory that has no slot yet only that the VMM died', () => {
    const text = run(
      decodeScenario({
        version: 1,
        machine: { type: 'q35', ram: '0x10000000', cpu: { vendor: 'intel', physBits: 46 } },
        host: { kernel: 'msix-mappable', iommu: { type: 'type1' } },
        devices: [{ id: 'd', bars: [{ index: 0, size: '0x1000', type: 'mem64' }] }],
        operations: [
          { op: 'set-bar', device: 'd', bar: 0, address: '0x400000000000' },
          { op: 'enable-memory', device: 'd' },
        ],
      }),
    );
    expect(text).toContain(
      '  0 bytes direct-mapped, 0 bytes trapped, 4 KiB mapped for P2P DMA, 4 KiB without a slot yet: the VMM died\n',
    );
  });

  it('ends with a newline, and has no spaces at the ends of lines', () => {
    for (const name of ['cx4-64k', 'sas3008-after', 'spapr-p2p-windows']) {
      const text = run(seedScenario(name));
      expect(text).toMatch(/[^\n]\n$/);
      expect(text).not.toMatch(/ $/m);
    }
  });
});
