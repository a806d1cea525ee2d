import { findQemu, type QemuLocation, QemuNotFound } from '../qemu/process/index.ts';
import { TargetUnavailable } from '../trace/index.ts';
import { buildAgent } from './agent/build-agent.ts';
import { installedKernels, kernelFolder, type InstalledKernel } from './boot/installed-kernels.ts';
import { qemuArchitecture } from './boot/machine-arguments.ts';

/** A kernel that is installed, or that `.ci/install-linux` can install, and whether this machine can boot it. */
export interface KernelProbe {
  /** The name of the kernel, such as `amd64-6.12`. */
  readonly name: string;
  /** `present`: it can be booted; `missing`: it is installed but cannot be booted; `optional`: not installed. */
  readonly state: 'present' | 'missing' | 'optional';
  /** What was found, or why it cannot be booted. */
  readonly detail: string;
  /** What is missing, and how to install it. */
  readonly remedy?: string;
}

/** The kernels that `.ci/install-linux` knows. */
export const KERNEL_NAMES = [
  ...['amd64-6.12', 'amd64-7', 'amd64-6.1', 'arm64-6.12', 'arm64-7'],
  ...['arm64-16k-6.12', 'arm64-16k-7', 'ppc64el-64k-6.12', 'ppc64el-64k-testing'],
  ...['amd64-iommufd-7', 'arm64-iommufd-7', 'arm64-16k-iommufd-7', 'arm64-64k-iommufd-7'],
] as const;

/** How long an installation takes with 10 MB a second: a download of 90 to 130 MB, and unpacking. */
const INSTALLATION = '90 to 130 MB, a minute or less';
/**
 * What `.ci/build-linux` takes for a kernel that Debian does not have. On two cores that do nothing else, x86_64 takes 6
 * minutes and arm64 5; another one in the same run shares the source.
 */
const BUILD =
  'it builds Linux: 150 MB to fetch, 2 GB of disk meanwhile, 7 to 12 minutes of CPU; the result has 5 to 13 MB';

/** Checks which kernels this machine can boot. Compiles the agent for the installed kernels. */
export function probeKernels(location: QemuLocation = {}): KernelProbe[] {
  const environment = location.environment ?? process.env;
  const installed = installedKernels(kernelFolder(environment));
  const names = new Set<string>([...installed.map(({ name }) => name), ...KERNEL_NAMES]);
  return [...names].map((name): KernelProbe => {
    const kernel = installed.find((one) => one.name === name);
    if (kernel !== undefined) return probeKernel(kernel, location);
    const takes = name.includes('-iommufd-') ? BUILD : INSTALLATION;
    const remedy = `in a checkout, run .ci/install-linux ${name} (${takes})`;
    return { name: `Linux ${name}`, state: 'optional', detail: 'not installed', remedy };
  });
}

function probeKernel(kernel: InstalledKernel, location: QemuLocation): KernelProbe {
  const { release, architecture, pageSize, iommufd } = kernel;
  const name = `Linux ${kernel.name}`;
  const found = `${release}, ${architecture}, pages of ${Number(pageSize) / 1024}K${iommufd ? ', iommufd' : ''}`;
  try {
    findQemu(qemuArchitecture(architecture), location);
    buildAgent(architecture, location.environment);
    return { name, state: 'present', detail: found };
  } catch (error) {
    if (!(error instanceof TargetUnavailable)) throw error;
    const remedy =
      error instanceof QemuNotFound
        ? 'install QEMU 10.1 or later (in a checkout, run .ci/install-qemu)'
        : error.message;
    return { name, state: 'missing', detail: `${found}, but it cannot be booted`, remedy };
  }
}
