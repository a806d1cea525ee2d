import { describe, expect, it } from 'vitest';
import { QemuDied, QemuHangs } from '../../qemu/process/qemu-error.ts';
import { TargetUnavailable } from '../../trace/index.ts';
import type { InstalledKernel } from '../boot/installed-kernels.ts';
import { LinuxStopped } from '../boot/linux-error.ts';
import { decodeSession } from '../session/decode-session.ts';
import { subPagePlacement } from '../session/sub-page-bars.ts';
import { LinuxHost } from './linux-host.ts';

const session = (more: object = {}) => decodeSession({ container: 'type1v2', calls: [], ...more });
const kernel: InstalledKernel = {
  ...{ name: 'amd64-6.12', release: '6.12.1', architecture: 'x86_64', pageSize: 0x1000n },
  ...{ image: '/nowhere/kernel', modules: [], iommufd: false },
};

describe('LinuxHost without a fitting kernel, IOMMU or QEMU', () => {
  it('names the folder of the kernels if no kernel is installed', async () => {
    const answer = new LinuxHost({ kernels: [] }).answer(session());
    await expect(answer).rejects.toThrow(TargetUnavailable);
    await expect(answer).rejects.toThrow(/there is no Linux kernel in .*install-linux/);
  });

  it('lists the installed kernels if none fits', async () => {
    const answer = new LinuxHost({ kernels: [kernel] }).answer(session({ kernel: '7.2' }));
    await expect(answer).rejects.toThrow(
      'no kernel 7.2 for x86_64 with pages of 4K is installed; there are amd64-6.12',
    );
  });

  it('lists the IOMMUs of the architecture if it does not know the IOMMU of the session', async () => {
    const info = { pageSizes: '0x1000', iovaRanges: [] };
    const answer = new LinuxHost({ kernels: [kernel] }).answer(session({ iommu: 'toString', info }));
    await expect(answer).rejects.toThrow(
      'iommu: expected one of intel-aw39, intel-aw48, amd-v1, found "toString"',
    );
  });

  it('throws TargetUnavailable without QEMU', async () => {
    const host = new LinuxHost({ kernels: [kernel], qemu: { path: '/nowhere', environment: {} } });
    await expect(host.answer(session())).rejects.toThrow(TargetUnavailable);
  });
});

describe('LinuxStopped', () => {
  const died = new QemuDied({ code: 0, signal: undefined }, ['last']);

  it('has the panic of the console as its message, without the time', () => {
    const lines = ['[    1.0] fine', '[    2.000001] Kernel panic - not syncing: sysrq', '[ 2.1] Rebooting'];
    expect(new LinuxStopped(died, lines)).toMatchObject({
      ...{ message: 'Kernel panic - not syncing: sysrq', console: lines },
    });
  });

  it('says without a panic how QEMU ended, or which answer is missing', () => {
    expect(new LinuxStopped(died, ['x']).message).toBe('QEMU ended with status 0: last');
    expect(new LinuxStopped(new QemuHangs('3 calls', 10), []).message).toBe(
      'QEMU did not answer for 0.01 s at 3 calls',
    );
  });

  it('keeps the last sixty lines of the console', () => {
    const lines = Array.from({ length: 100 }, (_, index) => `line ${index}`);
    expect(new LinuxStopped(died, lines).console).toEqual(lines.slice(40));
  });
});

describe('subPagePlacement', () => {
  const region = (start: string, size = '0x800') =>
    decodeSession({
      container: 'region',
      calls: [],
      info: { device: { bars: [{ index: 1, size, type: 'mem32', start }] } },
    });
  const mmap = { call: 'mmap', bar: 1, offset: 0n, size: 0x1000n, prot: 1, shared: true } as const;

  it('refuses calls on a sub-page BAR that has its page to itself on only one of the two hosts', () => {
    const placement = subPagePlacement(region('0xfe000800'), region('0xfe000000'));
    expect(placement(mmap)).toContain('BAR 1');
    expect(placement({ call: 'region-info', index: 1 })).toContain('BAR 1');
    expect(placement({ call: 'region-info', index: 0 })).toBeUndefined();
  });

  it('allows all calls if the BAR shares its page on both hosts, or fills a page', () => {
    expect(subPagePlacement(region('0xfe000800'), region('0xfd000800'))(mmap)).toBeUndefined();
    expect(
      subPagePlacement(region('0xfe001000', '0x1000'), region('0xfe000000', '0x1000'))(mmap),
    ).toBeUndefined();
  });
});
