import { describe, expect, it } from 'vitest';
import { ecamAccess, portAccess, rtasAccess } from './config-access.ts';

const at = { bus: 1, slot: 2, register: 0x42 };

describe('an access to configuration space', () => {
  it('by ports writes the address and then uses the lane of the data port', () => {
    expect(portAccess.read(at, 2).lines).toEqual(['outl 0xcf8 0x80011040', 'inw 0xcfe']);
    expect(portAccess.write(at, 1, 0x5a).lines).toEqual(['outl 0xcf8 0x80011040', 'outb 0xcfe 0x5a']);
    expect(portAccess.read(at, 2).result([[], ['0x1234']])).toBe(0x1234);
  });

  it('by ECAM has 1 MiB for a bus and 32 KiB for a slot', () => {
    const access = ecamAccess(0x40_1000_0000n);
    expect(access.read(at, 4).lines).toEqual(['readl 0x4010110042']);
    expect(access.write(at, 4, 7).lines).toEqual(['writel 0x4010110042 0x7']);
  });

  it('by RTAS writes arguments in cells, checks the status, and masks the value to its width', () => {
    const read = rtasAccess.read(at, 2);
    expect(read.lines.at(-3)).toBe('rtas ibm,read-pci-config 4 0x100000 2 0x100100');
    const answers = (status: string) => [[], [], [], [], ['0x0'], [status], ['0xffff1234']];
    const answersOf = (status: string) => answers(status).slice(-read.lines.length);
    expect(read.result(answersOf('0x0'))).toBe(0x1234);
    expect(() => read.result(answersOf('0xfffffffffffffffd'))).toThrow(/read-pci-config failed/);
    expect(rtasAccess.write(at, 4, 0xffff_ffff).lines).toContain('writel 0x100010 0xffffffff');
  });
});
