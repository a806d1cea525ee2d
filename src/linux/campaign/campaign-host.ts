import { unknownName } from '../../input/index.ts';
import { TargetUnavailable } from '../../trace/index.ts';
import { installedKernels, kernelFolder, type InstalledKernel } from '../boot/installed-kernels.ts';
import { EMULATED_IOMMUS } from '../emulated-iommus.ts';
import type { HostArchitecture } from '../session/host-session.ts';

/** The kernel and the IOMMU that a campaign asks. */
export interface CampaignHost {
  readonly kernel: InstalledKernel;
  /** A name of `EMULATED_IOMMUS`. */
  readonly iommu: string;
}

/** What the user said about the host. */
export interface HostWish {
  /** The name of an installed kernel, its release, or the beginning of its version. */
  readonly kernel?: string | undefined;
  readonly iommu?: string | undefined;
}

/** What `process.arch` says on the architectures of kernels. */
const ARCHITECTURES: Readonly<Record<string, HostArchitecture>> = {
  x64: 'x86_64',
  arm64: 'aarch64',
  ppc64: 'ppc64le',
};

/**
 * The host that a campaign asks. Without a wish: the first kernel of this machine's architecture, or else the first of
 * all, behind the kernel's usual IOMMU.
 *
 * @throws TargetUnavailable when no kernel is installed
 * @throws InvalidInput when no installed kernel or no IOMMU of its architecture has the name
 */
export function campaignHost(
  wish: HostWish = {},
  kernels: readonly InstalledKernel[] = installedKernels(),
): CampaignHost {
  if (kernels.length === 0) {
    throw new TargetUnavailable(
      `there is no Linux kernel in ${kernelFolder()}. In a checkout, run .ci/install-linux, or name another folder in ` +
        'BARPROOF_LINUX; barproof doctor lists the kernels',
    );
  }
  const kernel = kernelOf(wish.kernel, kernels);
  const known = iommusOf(kernel);
  const { iommu = usualIommu(kernel) } = wish;
  if (known.includes(iommu)) return { kernel, iommu };
  const otherwise = `those of ${kernel.architecture} are ${known.join(', ')}`;
  throw unknownName({ path: '--iommu', kind: 'emulated IOMMU', name: iommu, known, otherwise });
}

function kernelOf(name: string | undefined, kernels: readonly InstalledKernel[]): InstalledKernel {
  if (name === undefined) {
    const own = ARCHITECTURES[process.arch];
    return kernels.find(({ architecture }) => architecture === own) ?? kernels[0]!;
  }
  const kernel =
    kernels.find((one) => one.name === name || one.release === name) ??
    kernels.find(({ release }) => release.startsWith(name) && /^\d+$|^\d+\.\d+/.test(name));
  if (kernel !== undefined) return kernel;
  const known = kernels.map((one) => one.name);
  const otherwise = `installed are ${known.join(', ')}; .ci/install-linux installs others, and barproof doctor lists them`;
  throw unknownName({ path: '--kernel', kind: 'installed kernel', name, known, otherwise });
}

/** The IOMMUs that QEMU can emulate in front of a kernel. */
export const iommusOf = ({ architecture }: InstalledKernel): readonly string[] =>
  [...EMULATED_IOMMUS].flatMap(([name, iommu]) => (iommu.architecture === architecture ? [name] : []));

/** The IOMMU behind which a kernel is asked by default. Kernels of x86_64 from 7 on are behind AMD's, so that both are asked. */
export function usualIommu({ architecture, release }: InstalledKernel): string {
  switch (architecture) {
    case 'x86_64':
      return release.startsWith('6.') ? 'intel-aw48' : 'amd-v1';
    case 'aarch64':
      return 'virtio-granule-4k';
    case 'ppc64le':
      return 'spapr';
  }
}
