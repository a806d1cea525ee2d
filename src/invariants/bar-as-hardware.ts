import { hex } from '../address/index.ts';
import type { BarType } from '../pci-layout/index.ts';
import type { BarSpec, BarTypeName, DeviceSpec } from '../scenario/index.ts';
import type { BarState, DeviceState } from '../trace/index.ts';
import type { Examination, Invariant } from './invariant.ts';

/** The guest's drivers know the BARs of the hardware. */
export const barAsHardware: Invariant = {
  id: 'bar-as-hardware',
  clause:
    "the BARs that the guest sees have the type, width, pairing and size of the device's BARs, apart from a BAR to " +
    'which MSI-X was relocated',
  severity: 'error',
  site: 'hw/vfio/pci.c: vfio_bar_prepare, vfio_bar_register',
  start(trace, examination) {
    return {
      judgesUnsettled: true,
      step({ devices }, state) {
        for (const device of state.devices) {
          if (!devices.plugged.includes(device) && !devices.changed.includes(device)) continue;
          const spec = trace.scenario.devices.find(({ id }) => id === device.id);
          if (spec === undefined) continue;
          for (const bar of spec.bars) checkBar(bar, device, spec, examination);
          for (const bar of device.bars) checkExtra(bar, device, spec, examination);
        }
      },
    };
  },
};

const typeOf = (type: BarTypeName): BarType =>
  type.startsWith('mem64') ? 'mem64' : type.startsWith('mem32') ? 'mem32' : 'io';

function checkBar(spec: BarSpec, device: DeviceState, whole: DeviceSpec, examination: Examination): void {
  const { index, size } = spec;
  const seen = device.bars.find((bar) => bar.index === index);
  examination.exercised++;
  const name = `BAR ${index} of ${device.id}`;
  if (seen === undefined) {
    examination.violate('missing-bar', () => `the guest does not see ${name}`);
    return;
  }
  const type = typeOf(spec.type);
  if (seen.type !== type)
    examination.violate('wrong-type', () => `the guest sees ${name} as ${seen.type}; the device has ${type}`);
  const { resizedTo } = seen;
  if (resizedTo !== undefined && resizedTo !== seen.size) {
    examination.violate(
      'resized-in-vain',
      () => `the guest has given ${name} ${hex(resizedTo)} bytes, and the VMM maps ${hex(seen.size)}`,
    );
  }
  const isRight = seen.size === size || (seen.size > size && holdsMovedMsix(index, device, whole));
  if (isRight) return;
  examination.violate(
    'wrong-size',
    () => `the guest sees ${hex(seen.size)} bytes of ${name}; the device has ${hex(size)}`,
  );
}

/** A BAR that the device does not have, such as the upper half of a 64-bit BAR. */
function checkExtra(bar: BarState, device: DeviceState, whole: DeviceSpec, examination: Examination): void {
  if (whole.bars.some(({ index }) => index === bar.index)) return;
  const isUpperHalf = whole.bars.some(
    ({ index, type }) => index + 1 === bar.index && typeOf(type) === 'mem64',
  );
  if (isUpperHalf) {
    examination.violate(
      'pair-split',
      () => `the guest sees the upper half of BAR ${bar.index - 1} of ${device.id} as a BAR of its own`,
    );
  } else if (!holdsMovedMsix(bar.index, device, whole)) {
    examination.violate(
      'extra-bar',
      () => `the guest sees BAR ${bar.index} of ${device.id}, which the device does not have`,
    );
  }
}

/** Whether the guest's table or PBA lies in this BAR at another place than the device's own. */
function holdsMovedMsix(index: number, { msix }: DeviceState, { msix: own }: DeviceSpec): boolean {
  if (msix === undefined || own === undefined) return false;
  const { layout } = msix;
  const isTableMoved = layout.tableBar !== own.tableBar || layout.tableOffset !== own.tableOffset;
  const isPbaMoved = layout.pbaBar !== own.pbaBar || layout.pbaOffset !== own.pbaOffset;
  return (layout.tableBar === index && isTableMoved) || (layout.pbaBar === index && isPbaMoved);
}
