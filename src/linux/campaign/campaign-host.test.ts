import { describe, expect, it } from 'vitest';
import { TargetUnavailable } from '../../trace/index.ts';
import type { InstalledKernel } from '../boot/installed-kernels.ts';
import { campaignHost } from './campaign-host.ts';

const kernel = (
  name: string,
  release: string,
  architecture: InstalledKernel['architecture'],
): InstalledKernel => ({
  ...{ name, release, architecture, pageSize: 0x1000n, image: '/nowhere', modules: [], iommufd: false },
});
const KERNELS = [
  kernel('amd64-6.12', '6.12.117+deb13-amd64', 'x86_64'),
  kernel('amd64-7', '7.3.4+deb13-amd64', 'x86_64'),
  kernel('arm64-6.12', '6.12.117+deb13-arm64', 'aarch64'),
];
const chosen = (wish: Parameters<typeof campaignHost>[0]): readonly string[] => {
  const { kernel: found, iommu } = campaignHost(wish, KERNELS);
  return [found.name, iommu];
};

describe('the host of a campaign', () => {
  it.each([
    [{ kernel: 'amd64-7' }, ['amd64-7', 'amd-v1']],
    [{ kernel: '7' }, ['amd64-7', 'amd-v1']],
    [{ kernel: '7.3' }, ['amd64-7', 'amd-v1']],
    [{ kernel: '6.12.117+deb13-arm64' }, ['arm64-6.12', 'virtio-granule-4k']],
    [{ kernel: '6.12', iommu: 'amd-v1' }, ['amd64-6.12', 'amd-v1']],
  ])('is chosen by %o', (wish, host) => {
    expect(chosen(wish)).toEqual(host);
  });

  it('has the architecture of this machine if the user names none', () => {
    const own = KERNELS.filter(
      ({ architecture }) => (process.arch === 'x64' ? 'x86_64' : 'aarch64') === architecture,
    );
    expect(chosen({})[0]).toBe(own[0]!.name);
  });

  it('is refused for an unknown kernel, with those that are installed', () => {
    expect(() => campaignHost({ kernel: '5.4' }, KERNELS)).toThrow(
      /--kernel: there is no installed kernel 5\.4; installed are amd64-6\.12, amd64-7, arm64-6\.12; .*install-linux/,
    );
    // A dot is no wildcard, and the beginning of a name is no version.
    expect(() => campaignHost({ kernel: 'amd' }, KERNELS)).toThrow('there is no installed kernel amd');
    expect(() => campaignHost({ kernel: 'amd64-6.1' }, KERNELS)).toThrow('did you mean amd64-6.12?');
  });

  it('is refused for an IOMMU of another architecture', () => {
    expect(() => campaignHost({ kernel: '7', iommu: 'spapr' }, KERNELS)).toThrow(
      '--iommu: there is no emulated IOMMU spapr; those of x86_64 are intel-aw39, intel-aw48, amd-v1',
    );
  });

  it('does not exist without a kernel: the user is told how to get one', () => {
    expect(() => campaignHost({}, [])).toThrow(TargetUnavailable);
    expect(() => campaignHost({}, [])).toThrow(/run \.ci\/install-linux.*barproof doctor/);
  });
});
