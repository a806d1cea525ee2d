import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { packageFolder } from '../../input/index.ts';
import { HOST_ARCHITECTURES, type HostArchitecture } from '../session/host-session.ts';

/** A kernel that `.ci/install-linux` installed. */
export interface InstalledKernel {
  /** The name of its folder, such as `amd64-6.12`. */
  readonly name: string;
  /** What `uname -r` says on it. */
  readonly release: string;
  readonly architecture: HostArchitecture;
  /** In bytes. */
  readonly pageSize: bigint;
  /** Whether the kernel has iommufd. Debian's own kernels lack it, or the files of devices that it needs. */
  readonly iommufd: boolean;
  /** The path of the kernel's image. */
  readonly image: string;
  /** The paths of its modules, each after the modules that it needs. */
  readonly modules: readonly string[];
}

/** The folder of the installed kernels: `BARPROOF_LINUX`, or else the folder that `.ci/install-linux` fills. */
export const kernelFolder = (environment: NodeJS.ProcessEnv = process.env): string =>
  environment['BARPROOF_LINUX'] || join(packageFolder(), '.cache', 'linux');

/** The kernels of a folder, by name. A folder without `about.json`, which is written last, is unfinished. */
export function installedKernels(folder: string = kernelFolder()): InstalledKernel[] {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return [];
  return readdirSync(folder)
    .toSorted()
    .flatMap((name) => readKernel(join(folder, name), name) ?? []);
}

function readKernel(folder: string, name: string): InstalledKernel | undefined {
  try {
    const about = JSON.parse(readFileSync(join(folder, 'about.json'), 'utf8')) as Record<string, unknown>;
    const { release, arch, pageSize, iommufd = false } = about;
    const architecture = HOST_ARCHITECTURES.find((one) => one === arch);
    if (architecture === undefined || typeof release !== 'string' || typeof pageSize !== 'number')
      return undefined;
    const order = readFileSync(join(folder, 'modules', 'order'), 'utf8').split('\n');
    return {
      ...{ name, release, architecture, pageSize: BigInt(pageSize), image: join(folder, 'kernel') },
      iommufd: iommufd === true,
      modules: order.filter((file) => file !== '').map((file) => join(folder, 'modules', file)),
    };
  } catch {
    return undefined;
  }
}

/** The kernel that a session asks for. */
export interface KernelWish {
  /** A release, the beginning of a version (`6.12`, `7`), or the name of a folder. */
  readonly kernel: string;
  readonly architecture: HostArchitecture;
  readonly pageSize: bigint;
  /** Whether the kernel has to have iommufd; by default it need not. */
  readonly iommufd?: boolean;
}

const versionOf = (release: string): string => /^\d+(?:\.\d+)?/.exec(release)?.[0] ?? release;

/**
 * The first kernel that fits a wish: one of the same release or folder name, or else of the same version (6.12). A
 * wish of one number (`7`) is also met by a version that begins with that number.
 */
export function chooseKernel(
  { kernel, architecture, pageSize, iommufd = false }: KernelWish,
  kernels: readonly InstalledKernel[],
): InstalledKernel | undefined {
  const fitting = kernels.filter(
    (one) => one.architecture === architecture && one.pageSize === pageSize && (one.iommufd || !iommufd),
  );
  const version = versionOf(kernel);
  return (
    fitting.find(({ release, name }) => release === kernel || name === kernel) ??
    fitting.find(({ release }) => versionOf(release) === version) ??
    (version.includes('.') ? undefined : fitting.find(({ release }) => release.startsWith(`${version}.`)))
  );
}
