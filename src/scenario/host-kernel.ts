/**
 * Names of kernels without a version: `sparse-msix` is a kernel before Linux 4.16, whose vfio-pci forbids the mmap
 * of the pages of an MSI-X table, and `msix-mappable` a later one, which allows it.
 */
export const HOST_KERNELS = ['sparse-msix', 'msix-mappable'] as const;

/** The host kernel: a version of Linux such as `6.12`, or one of `HOST_KERNELS`. */
export type HostKernel = (typeof HOST_KERNELS)[number] | (string & {});

/** The oldest version that a scenario may name; older kernels are not modelled. */
export const OLDEST_KERNEL = '4.8';
/** The first version with iommufd. */
export const FIRST_IOMMUFD_KERNEL = '6.2';

const VERSION = /^([1-9]\d?)\.(\d{1,3})$/;

/** Whether the text is a version of two numbers; no leading zeros in the first. */
export const isKernelVersion = (text: string): boolean => VERSION.test(text);

/**
 * Whether the kernel is older than a version. A kernel without a version is taken for one as new as any, but for
 * `sparse-msix`, which is one before 4.16.
 */
export function isKernelBefore(kernel: HostKernel, version: string): boolean {
  const [major, minor] = numbersOf(kernel === 'sparse-msix' ? '4.15' : kernel);
  const [otherMajor, otherMinor] = numbersOf(version);
  return major < otherMajor || (major === otherMajor && minor < otherMinor);
}

const numbersOf = (version: string): readonly [major: number, minor: number] => {
  const [, major, minor] = VERSION.exec(version) ?? [undefined, '99', '0'];
  return [Number(major), Number(minor)];
};

/**
 * Whether vfio-pci of this kernel allows an mmap of the pages of an MSI-X table: Linux 4.16 and later
 * (host fact 4.4).
 */
export const allowsMsixMmap = (kernel: HostKernel): boolean => !isKernelBefore(kernel, '4.16');
