import { InvalidInput } from '../input/index.ts';
import { BAR_COUNT, type MsixLayout } from '../pci-layout/index.ts';
import type { DeviceSpec, Scenario } from '../scenario/index.ts';
import { DeviceRefused, type DeviceRules, type Revision } from '../vfio/index.ts';
import { runOnModel } from '../model/index.ts';
import type { Trace } from '../trace/index.ts';
import type { QemuMachineType } from './process/architecture.ts';
import { asPrinted } from './as-printed.ts';
import { overshoots } from './overshoot.ts';
import { isReleaseBefore } from './process/release.ts';
import type { QemuTarget } from './qemu-target.ts';
import { revisionOfVersion, whyNotOfModel } from './revision-of-version.ts';

/**
 * Runs a scenario on a real QEMU and then on the model, and puts the model's trace beside QEMU's. The model runs the
 * scenario that QEMU has carried out, which may be a variant of `scenario`. Where the two cannot be compared, the trace
 * says why.
 *
 * @throws NotRunnable, QemuNotFound, QemuUnusable.
 */
export async function runBesideModel(
  target: Pick<QemuTarget, 'run' | 'inspect'>,
  scenario: Scenario,
): Promise<Trace> {
  const trace = await target.run(scenario);
  const { version } = await target.inspect(scenario.machine.type as QemuMachineType);
  const revision = revisionOfVersion(version);
  const notCompared =
    revision === undefined
      ? whyNotOfModel(version)
      : (whyUnpredictable(trace.scenario) ?? whyByChance(trace.scenario, revision, version));
  if (notCompared !== undefined) return { ...trace, notCompared };
  try {
    const model = runOnModel(trace.scenario, revision!);
    return alignsByChance(model, revision!)
      ? { ...trace, notCompared: "chance says whether memory begins on one of the IOMMU's pages" }
      : { ...trace, model: asPrinted(model, revision!.mtree) };
  } catch (error) {
    // A release may lack what its revision gives only to later releases, such as iommufd before 9.0.
    if (!(error instanceof InvalidInput)) throw error;
    return {
      ...trace,
      notCompared: `the model of QEMU ${version} cannot run this scenario: ${error.message}`,
    };
  }
}

function whyUnpredictable(scenario: Scenario): string | undefined {
  if (overshoots(scenario))
    return 'QEMU overwrites its own memory, and the effects of that are unpredictable';
  return undefined;
}

/** Bytes to which QEMU aligns guest RAM in its address space (QEMU_VMALLOC_ALIGN). */
const RAM_ALIGNMENT = 2n << 20n;

/** Why a run by the kernel's interface depends on chance, or on what the model does not have. */
function whyByChance(
  { machine, host, devices }: Scenario,
  { device }: Revision,
  version: string,
): string | undefined {
  if (host.iommu.type === 'vfio-user') return undefined;
  if (devices.some(hasQuirk)) return 'QEMU lays registers of its own over BAR 2 of this device';
  if (machine.type === 'virt' && isReleaseBefore(version, '6.0'))
    return 'the model of virt has the PCI windows of QEMU 6.0 and later';
  // vfio fact 5.7
  if (devices.some(({ msix }) => msix !== undefined && namesNoBar(msix) && accepts(device, msix)))
    return 'what this QEMU does with a BIR above 5 depends on what lies behind its array of BARs';
  return undefined;
}

const namesNoBar = ({ tableBar, pbaBar }: MsixLayout): boolean => Math.max(tableBar, pbaBar) >= BAR_COUNT;

/** Whether a release accepts the BIRs and offsets of table and PBA. */
function accepts(device: DeviceRules, layout: MsixLayout): boolean {
  try {
    device.checkLocation(layout);
    return true;
  } catch (error) {
    if (error instanceof DeviceRefused) return false;
    throw error;
  }
}

/**
 * Whether chance says if memory begins on a page of the IOMMU: the pages are larger than the alignment that QEMU asks for,
 * of RAM or of an area of a BAR. vfio-user has no such test.
 */
function alignsByChance({ scenario, pages, steps }: Trace, { device }: Revision): boolean {
  const { host, iommu } = pages;
  if (scenario.host.iommu.type === 'vfio-user') return false;
  if (iommu > RAM_ALIGNMENT) return true;
  if (iommu <= host) return false;
  const areas = steps.flatMap(({ events }) => events.filter((event) => event.type === 'mmap'));
  return areas.some(({ size }) => size >= iommu && device.mmapAlignment(size, host) < iommu);
}

/** A quirk that shows in the memory map: a window of registers over BAR 2 (QEMU vfio_probe_rtl8168_bar2_quirk). */
const hasQuirk = ({ vendor, device, bars }: DeviceSpec): boolean =>
  vendor === REALTEK && device === RTL8168 && bars.some(({ index }) => index === 2);

const REALTEK = 0x10ec;
const RTL8168 = 0x8168;
