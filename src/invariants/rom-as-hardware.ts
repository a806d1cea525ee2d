import { hex, powerOfTwoCeiling, type Size } from '../address/index.ts';
import { ROM_SLOT } from '../pci-layout/index.ts';
import type { DeviceSpec } from '../scenario/index.ts';
import type { DeviceState } from '../trace/index.ts';
import type { Examination } from './invariant.ts';

/** Network cards of Broadcom (BCM57810) whose ROM hangs the host when it is read (vfio fact 5.23). */
const hangsHost = ({ vendor, device }: DeviceSpec): boolean => vendor === 0x14e4 && device === 0x168e;

/** Reports an expansion ROM that the guest sees in another way than the device or the user gives it, or not at all. */
export function checkRom(device: DeviceState, spec: DeviceSpec, examination: Examination): void {
  const seen = device.bars.find(({ index }) => index === ROM_SLOT);
  const size = sizeOfRom(spec);
  if (seen === undefined && size === undefined) return;
  examination.exercised++;
  if (seen === undefined) {
    examination.violate('missing-rom', () => `the guest does not see the expansion ROM of ${device.id}`);
  } else if (size === undefined) {
    const why = spec.rom === undefined ? 'the device has none' : whyHidden(spec);
    examination.violate(
      'rom-not-hidden',
      () => `the guest sees an expansion ROM of ${device.id}, although ${why}`,
    );
  } else if (seen.size !== size) {
    examination.violate(
      'wrong-rom-size',
      () =>
        `the guest sees ${hex(seen.size)} bytes of the expansion ROM of ${device.id}; ` +
        `${spec.options.romfile === undefined ? 'the device' : "a register for the user's file"} has ${hex(size)}`,
    );
  }
}

const whyHidden = ({ options }: DeviceSpec): string =>
  options.rombar === false
    ? 'the user hides it'
    : 'to read it hangs the host, and the user has not asked for it';

/** Bytes of the ROM that the guest has to see; `undefined` for none. A file is in the smallest register that decodes it. */
function sizeOfRom(spec: DeviceSpec): Size | undefined {
  const { rom, options } = spec;
  if (options.romfile !== undefined) return powerOfTwoCeiling(options.romfile);
  const isShown = options.rombar ?? !hangsHost(spec);
  return isShown ? rom?.size : undefined;
}
