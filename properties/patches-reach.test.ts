import { describe, expect, it } from 'vitest';
import * as fc from 'fast-check';
import { scenarios } from '../generators/index.ts';
import { offset } from '../src/address/index.ts';
import { deriveSeed } from '../src/campaign/index.ts';
import { FingerprintSet, fingerprintText, violationsOf, type InvariantId } from '../src/invariants/index.ts';
import { findAnyRevision, runOnModel, scopeOf, type AnyRevision } from '../src/model/index.ts';
import { definePatch, type PatchDefinition } from '../src/validate/index.ts';

/** A patch that changes one rule for the worse, and an invariant that must find it. */
type Bug = readonly [invariant: InvariantId, definition: Omit<PatchDefinition, 'name'>, base?: string];

const CLOUD_HYPERVISOR = 'cloud-hypervisor-53.0';

/** For each rule that no known bug needs, a patch that shows that the rule is asked and matters. */
const BUGS: Readonly<Record<string, Bug>> = {
  'the container is never closed': ['map-unmap-symmetric', { container: { closes: 'never' } }],
  'the container is closed before its listener leaves': [
    'map-unmap-symmetric',
    { container: { teardown: 'close-first' } },
  ],
  'a refusal during set-up is ignored': ['ram-reachable', { container: { registrationFailure: 'ignored' } }],
  'a refusal during set-up ends QEMU': ['no-abort', { container: { registrationFailure: 'fatal' } }],
  'the listener follows system memory': ['map-matches-view', { container: { space: 'system-memory' } }],
  'the page of a window is that of the host': [
    'no-abort',
    { container: { windowPageSize: ({ host }) => host * 16n } },
  ],
  'windows stay when their section goes': ['window-limit', { container: { removesWindows: false } }],
  'the unmapped range is a page short': [
    'map-unmap-symmetric',
    {
      listener: {
        unmapSpan: ({ start, size }) => ({ start, size: size > 0x1_0000n ? size - 0x1_0000n : size }),
      },
    },
  ],
  'the kernel unmaps half': [
    'map-unmap-symmetric',
    {
      host: {
        unmap: (answer) => ({ ...answer, errno: 0, unmapped: 0n }),
        unmapSpan: ({ start }) => ({ start, size: 1n }),
      },
    },
  ],
  'slots are never deleted by number': ['memslot-aligned-disjoint', { memslots: { slotNumber: () => 3 } }],
  'every commit updates the views': ['memslot-aligned-disjoint', { memory: { commits: 'every' } }],
  'a reset restores nothing': [
    'incremental-equals-scratch',
    { device: { resetRestores: 'bars-only', resetStopsDecoding: false }, pci: { movesOnReset: false } },
  ],
  'BARs do not move on a reset': [
    'incremental-equals-scratch',
    { device: { resetStopsDecoding: false }, pci: { movesOnReset: false } },
  ],
  'a BAR is registered with half of its size': [
    'msix-capability-consistent',
    { device: { registeredSize: (size) => (size > 0x10n ? size / 2n : size) } },
  ],
  'the emulated table lies below the mmaps': ['msix-trapped', { device: { msixPriority: -1 } }],
  'cloud-hypervisor leaves DMA mappings of a removed device': [
    'map-unmap-symmetric',
    { cloudHypervisor: { removes: ['slots'] } },
    CLOUD_HYPERVISOR,
  ],
  'cloud-hypervisor leaves slots of a removed device': [
    'memslot-aligned-disjoint',
    { cloudHypervisor: { removes: ['dma-mappings'] } },
    CLOUD_HYPERVISOR,
  ],
  'cloud-hypervisor moves a BAR without its DMA mapping': [
    'map-matches-view',
    { cloudHypervisor: { moveSteps: ['remove-slot', 'create-slot'] } },
    CLOUD_HYPERVISOR,
  ],
  'cloud-hypervisor maps the new place before it unmaps the old': [
    'map-unmap-symmetric',
    { cloudHypervisor: { moveSteps: ['map-dma', 'unmap-dma', 'remove-slot', 'create-slot'] } },
    CLOUD_HYPERVISOR,
  ],
  'the table answers in the words of the PBA': ['access-dispatched', { access: { route: () => 'pba' } }],
  'cloud-hypervisor reads its table where the device has it': [
    'access-dispatched',
    { cloudHypervisor: { routesToTable: () => false } },
    CLOUD_HYPERVISOR,
  ],
  'cloud-hypervisor reads registers from the start of the BAR': [
    'access-dispatched',
    { cloudHypervisor: { regionOffset: () => offset(0n) } },
    CLOUD_HYPERVISOR,
  ],
  'cloud-hypervisor emulates no table': [
    'msix-trapped',
    { cloudHypervisor: { emulatesTable: false } },
    CLOUD_HYPERVISOR,
  ],
};

const CASES = 1_000;

/** What a revision breaks in the first `CASES` cases. */
const shownBy = new Map<string, FingerprintSet>();
function survey(revision: AnyRevision, base: AnyRevision): FingerprintSet {
  const known = shownBy.get(revision.id);
  if (known !== undefined) return known;
  const found = new FingerprintSet();
  const seed = deriveSeed('patches reach', base.id);
  for (const scenario of fc.sample(scenarios(scopeOf(base)), { seed, numRuns: CASES })) {
    for (const violation of violationsOf(runOnModel(scenario, revision))) found.add(violation);
  }
  if (revision === base) shownBy.set(revision.id, found);
  return found;
}

describe('a patch that changes one rule for the worse is found', { timeout: 120_000 }, () => {
  it.each(Object.entries(BUGS))('%s', (_, [invariant, definition, id = 'qemu-11.1']) => {
    const base = findAnyRevision(id)!;
    const ofBase = survey(base, base);
    const patched = definePatch({ name: 'bug', ...definition }).applyTo(base);
    const fresh = [...survey(patched, base)].filter((fingerprint) => !ofBase.has(fingerprint));
    expect(
      fresh.map((one) => one.invariant),
      fresh.map(fingerprintText).join(' '),
    ).toContain(invariant);
  });
});
