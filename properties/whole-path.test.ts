import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { writeAtomically } from '../src/input/index.ts';
import { installedKernels } from '../src/linux/boot/installed-kernels.ts';
import { LinuxMachine } from '../src/linux/boot/linux-machine.ts';
import { EMULATED_IOMMUS } from '../src/linux/emulated-iommus.ts';
import { packQemu, type PackedQemu } from '../src/linux/inside/qemu-files.ts';
import { QEMU_CONNECTIONS } from '../src/linux/inside/qemu-inside.ts';
import { findQemu } from '../src/qemu/process/index.ts';
import { decodeScenario } from '../src/scenario/index.ts';
import { NEWEST, type Revision } from '../src/vfio/index.ts';
import { runInside, runOnTheModel, type Observed } from './testing/whole-path.ts';
import { whyNoLinux } from './testing/why-no-linux.ts';

/*
 * The whole path: a real QEMU in a real kernel, with KVM and type1, and a device that barproof serves as hardware. What
 * the device can reach and which slots KVM has is compared with the model at that QEMU's revision, and stored.
 */

const FILE = fileURLToPath(new URL('../regressions/recordings/whole-path.json', import.meta.url));
/** A boot takes 11 to 40 s, and a QEMU in the machine 5 s; several times that on a busy machine. */
const TIMEOUT = 400_000;

interface StoredCase {
  readonly iommu: string;
  readonly scenario: object;
  /** The kernel and the QEMU that ran. */
  readonly ran?: string;
  readonly observed?: Observed;
}

const CASES = JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, StoredCase>;
const names = Object.entries(CASES).map(([name, { iommu }]) => ({ name, iommu }));

const kernel = installedKernels().find(
  ({ architecture, release }) => architecture === 'x86_64' && release.startsWith('6.12'),
);
const reason = whyNoLinux(kernel);

/** A VMM that does not do what QEMU does. */
const MUTANTS: readonly { readonly does: string; readonly revision: Revision }[] = [
  {
    does: 'maps no device memory for DMA',
    revision: {
      ...NEWEST,
      listener: {
        ...NEWEST.listener,
        skip: (section, context) =>
          section.region.isRamDevice ? 'no-mmio-dma-map' : NEWEST.listener.skip(section, context),
      },
    },
  },
  {
    does: 'gives KVM no device memory',
    revision: {
      ...NEWEST,
      memslots: {
        ...NEWEST.memslots,
        isDirect: (section, readonlySlots) =>
          !section.region.isRamDevice && NEWEST.memslots.isDirect(section, readonlySlots),
      },
    },
  },
];

describe('the model', () => {
  it.each(names)('does what QEMU did in a real kernel: $name', ({ name }) => {
    const { scenario, observed } = CASES[name]!;
    expect(runOnTheModel(decodeScenario(scenario))).toEqual(observed);
  });

  it.each(MUTANTS)('of a VMM that $does does something else', ({ revision }) => {
    const different = names.filter(({ name }) => {
      const { scenario, observed } = CASES[name]!;
      const { steps, refused } = runOnTheModel(decodeScenario(scenario), revision);
      return !isDeepStrictEqual({ steps, refused }, { refused: undefined, ...observed });
    });
    expect(different).toHaveLength(names.length);
  });
});

describe.skipIf(reason !== undefined)(
  `QEMU in a real kernel${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  { timeout: TIMEOUT },
  () => {
    let packed: PackedQemu | undefined;
    const machines = new Map<string, LinuxMachine>();
    afterAll(async () => {
      for (const machine of machines.values()) await machine.end();
    });
    const machineBehind = async (iommu: string): Promise<[LinuxMachine, PackedQemu]> => {
      packed ??= await packQemu(findQemu('x86_64'));
      const before = machines.get(iommu);
      if (before !== undefined) return [before, packed];
      for (const machine of machines.values()) await machine.end();
      const machine = await LinuxMachine.boot({
        kernel: kernel!,
        iommu: EMULATED_IOMMUS.get(iommu)!,
        programs: { files: packed.files, connections: QEMU_CONNECTIONS },
      });
      machines.set(iommu, machine);
      return [machine, packed];
    };

    it.each(names)('does again what it did: $name', async ({ name, iommu }) => {
      const [machine, qemu] = await machineBehind(iommu);
      const { scenario, observed } = CASES[name]!;
      const seen = await runInside(machine, qemu, decodeScenario(scenario));
      if (process.env['BARPROOF_REMAKE'] === '1') {
        CASES[name] = { iommu, scenario, ran: `Linux ${kernel!.release}`, observed: seen };
        writeAtomically(FILE, `${JSON.stringify(CASES, undefined, 2)}\n`);
      } else expect(seen).toEqual(observed);
    });
  },
);
