import { describe, expect, it } from 'vitest';
import type { DeviceOffer, DeviceProperty } from './device-offer.ts';
import { deviceArguments, deviceWord } from './plugging.ts';

const offer = (properties: Readonly<Record<string, DeviceProperty>>): DeviceOffer => ({
  properties,
  settle: () => undefined,
  disconnected: false,
  keepAlive: () => undefined,
  close: () => Promise.resolve(),
});

const bus = { name: 'pcie.0', number: 0 };

describe('the argument of -device', () => {
  it('is name=value for a device of the kernel, which every QEMU takes', () => {
    const kernel = offer({ driver: 'vfio-pci', sysfsdev: 'sys/host-device:c0', 'x-no-mmap': true });
    const properties = deviceArguments(kernel, 'c0', bus, 2);
    expect(deviceWord(properties)).toBe(
      'vfio-pci,sysfsdev=sys/host-device:c0,x-no-mmap=on,id=c0,bus=pcie.0,addr=0x2',
    );
    expect(deviceWord({ ...properties, 'x-no-mmap': false })).toContain(',x-no-mmap=off,');
  });

  it('is JSON for a device with a socket', () => {
    const served = offer({ driver: 'vfio-user-pci', socket: { type: 'unix', path: 'c0' } });
    expect(JSON.parse(deviceWord(deviceArguments(served, 'c0', bus, 17)))).toEqual({
      driver: 'vfio-user-pci',
      socket: { type: 'unix', path: 'c0' },
      ...{ id: 'c0', bus: 'pcie.0', addr: '0x11' },
    });
  });
});
