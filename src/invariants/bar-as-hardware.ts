import { hex } from '../address/index.ts';
import { BAR_COUNT, ROM_SLOT, type BarType } from '../pci-layout/index.ts';
import {
  barText,
  isCloudHypervisor,
  type BarSpec,
  type BarTypeName,
  type DeviceSpec,
} from '../scenario/index.ts';
import type { BarRegister, BarState, DeviceState, Trace } from '../trace/index.ts';
import type { BarSizedEvent } from '../vfio/index.ts';
import { isCommandReset, lastRomWritten, lastWritten, type Written } from './bar-history.ts';
import type { Examination, Invariant } from './invariant.ts';
import { checkRom } from './rom-as-hardware.ts';

/** A smaller BAR has its type bits among the bits of its address. */
const SMALLEST_SIZED = 16n;

/** The guest's drivers know the BARs of the hardware. */
export const barAsHardware: Invariant = {
  id: 'bar-as-hardware',
  clause:
    "the BARs that the guest sees have the type, width, pairing and size of the device's BARs, apart from a BAR to " +
    'which MSI-X was relocated, and the expansion ROM that the device or the user gives; their registers hold what the ' +
    'guest wrote; a reset clears these and COMMAND',
  severity: 'error',
  site: 'hw/vfio/pci.c: vfio_bar_prepare, vfio_bar_register',
  start(trace, examination) {
    return {
      judgesUnsettled: true,
      event(event) {
        if (event.type === 'bar-sized') checkSizing(event, trace, examination);
      },
      end: () => checkRegisters(trace, examination),
      step({ devices }) {
        for (const device of devices.reshaped) {
          const spec = trace.scenario.devices.find(({ id }) => id === device.id);
          if (spec === undefined) continue;
          for (const bar of spec.bars) checkBar(bar, device, spec, examination);
          if (devices.plugged.includes(device)) checkAlignment(device, examination);
          checkRom(device, spec, examination);
          for (const bar of device.bars) checkExtra(bar, device, spec, examination);
        }
      },
    };
  },
};

/** A memory BAR has no register bits below its size: a VMM that places the BAR itself places it at a multiple. */
function checkAlignment({ id, bars }: DeviceState, examination: Examination): void {
  const misaligned = bars.find(
    ({ type, address, size }) => type !== 'io' && address !== undefined && address % size !== 0n,
  );
  if (misaligned === undefined) return;
  const { index, address, size } = misaligned;
  examination.violate(
    'misaligned',
    () =>
      `the VMM puts BAR ${index} of ${id} at ${hex(address!)}, which is no multiple of its ${hex(size)} bytes`,
  );
}

const typeOf = (type: BarTypeName): BarType =>
  type.startsWith('mem64') ? 'mem64' : type.startsWith('mem32') ? 'mem32' : 'io';

function checkBar(spec: BarSpec, device: DeviceState, whole: DeviceSpec, examination: Examination): void {
  const { index, size } = spec;
  const seen = device.bars.find((bar) => bar.index === index);
  examination.exercised++;
  const name = barText(index, device.id);
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
  const prefetchable = spec.type.endsWith('p');
  if (seen.prefetchable !== undefined && seen.prefetchable !== prefetchable) {
    examination.violate(
      'wrong-prefetch',
      () => `the guest sees ${name} as ${prefetchable ? 'not ' : ''}prefetchable, unlike the device's`,
    );
  }
  const isRight = seen.size === size || (seen.size > size && holdsMovedMsix(index, device, whole));
  if (isRight) return;
  examination.violate(
    'wrong-size',
    () => `the guest sees ${hex(seen.size)} bytes of ${name}; the device has ${hex(size)}`,
  );
}

/** A guest finds the size of a BAR by the bits that it can write: exactly those above the size. */
function checkSizing(
  { device, bar, wrote, read }: BarSizedEvent,
  trace: Trace,
  examination: Examination,
): void {
  const { step } = examination;
  const seen = trace.steps[step]?.state.devices
    .find(({ id }) => id === device)
    ?.bars.find(({ index }) => index === bar);
  // Type bits lie in the lowest bits, and behind a 64-bit BAR 5 there is no register.
  if (seen === undefined || seen.size < SMALLEST_SIZED || (bar === BAR_COUNT - 1 && seen.type === 'mem64'))
    return;
  examination.exercised++;
  const expected = wrote & -seen.size;
  if (read === expected) return;
  examination.violate(
    'sized-wrong',
    () =>
      `a guest that writes ${hex(wrote)} into ${barText(bar, device)} reads ${hex(read)}; a BAR of ` +
      `${hex(seen.size)} bytes answers ${hex(expected)}`,
  );
}

/** The registers at the end hold what the guest wrote last, or 0 after a reset. */
function checkRegisters(trace: Trace, examination: Examination): void {
  // cloud-hypervisor chooses the first addresses itself, and takes back a move that it cannot make.
  if (isCloudHypervisor(trace)) return;
  for (const register of trace.barRegisters ?? []) {
    const { device, bar, address } = register;
    const seen = trace.steps
      .at(-1)
      ?.state.devices.find(({ id }) => id === device)
      ?.bars.find(({ index }) => index === bar);
    if (seen !== undefined) checkDecoding(register, seen.type === 'io' ? 'io' : 'memory', trace, examination);
    const size = seen?.size;
    if (size === undefined || size < SMALLEST_SIZED) continue;
    const written = writtenInto(register, trace);
    if (written === undefined) continue;
    examination.exercised++;
    const isEnabled = register.enabled ?? written.enabled;
    if (address === (written.address & -size) && isEnabled === written.enabled) continue;
    examination.violate(
      written.byReset ? 'kept-over-reset' : 'write-lost',
      () =>
        `${barText(bar, device)} has ${registerText(address, isEnabled)} in its register, but ` +
        (written.byReset
          ? 'a reset clears it'
          : `the guest wrote ${registerText(written.address, written.enabled)}`),
    );
  }
}

/** What the guest, or a reset, has written into a register last; the expansion ROM has an enable bit of its own. */
function writtenInto(
  { device, bar }: BarRegister,
  { scenario }: Trace,
): (Written & { readonly enabled?: boolean }) | undefined {
  return bar === ROM_SLOT ? lastRomWritten(scenario, device) : lastWritten(scenario, device, bar);
}

const registerText = (address: bigint, enabled: boolean | undefined): string =>
  `${hex(address)}${enabled === undefined ? '' : enabled ? ' with the enable bit' : ' without the enable bit'}`;

/** After a reset a function answers at no BAR of a space until the guest enables the space. */
function checkDecoding(
  { device, decoding }: BarRegister,
  space: 'memory' | 'io',
  trace: Trace,
  examination: Examination,
): void {
  if (!isCommandReset(trace.scenario, device, space)) return;
  examination.exercised++;
  if (!decoding) return;
  examination.violate(
    'decodes-after-reset',
    () =>
      `the COMMAND register of ${device} enables ${space === 'io' ? 'ports' : 'memory'}, but a reset clears it`,
  );
}

/** A BAR that the device does not have, such as the upper half of a 64-bit BAR. */
function checkExtra(bar: BarState, device: DeviceState, whole: DeviceSpec, examination: Examination): void {
  if (bar.index === ROM_SLOT || whole.bars.some(({ index }) => index === bar.index)) return;
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
