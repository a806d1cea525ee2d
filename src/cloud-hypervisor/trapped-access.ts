import { offset } from '../address/index.ts';
import { msixTableRange } from '../pci-layout/index.ts';
import type { AccessPart, CpuAccess, Reached } from '../vfio/index.ts';
import type { CloudHypervisorRules } from './revision.ts';
import type { BarAccess } from './table-access.ts';
import type { MmioRegion, VfioPciDevice } from './vfio-pci-device.ts';

const NOTHING: Reached = { kind: 'nothing' };

/**
 * Carries out an access that exits to cloud-hypervisor (Bus::read, VfioCommon::read_bar): whole, by the BAR that its
 * first byte lies in.
 *
 * @throws VmmAbort where a rule says that the VMM crashes.
 */
export function accessTrapped(
  { address, width, write }: CpuAccess,
  found: { readonly device: VfioPciDevice; readonly region: MmioRegion } | undefined,
  rules: CloudHypervisorRules,
): readonly AccessPart[] {
  const part = (reached: Reached): readonly AccessPart[] => [{ address, size: width, reached }];
  if (found === undefined) return part(NOTHING);
  const { device, region } = found;
  const { index, start, info } = region;
  const access: BarAccess = { offset: offset(address - start), width, write };
  const layout = device.msixLayout;
  const table = layout?.tableBar === index ? msixTableRange(layout) : undefined;
  if (table !== undefined && rules.emulatesTable && rules.routesToTable(access, table)) {
    const inside = { offset: offset(access.offset - table.start), width, write };
    const answers = rules.tableAnswers(inside, table.end - table.start);
    return part(answers ? { kind: 'msix-table', device: device.id, offset: inside.offset } : NOTHING);
  }
  const at = rules.regionOffset(access);
  // VfioDevice::region_read refuses an access that ends beyond the device's BAR.
  if (at + BigInt(width) > info.size) return part(NOTHING);
  return part({ kind: 'device', device: device.id, bar: index, offset: at });
}
