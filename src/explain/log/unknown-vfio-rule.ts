import { Errno } from '../../host/index.ts';
import { plainRule, type PlainRule } from './plain-rule.ts';

const UNKNOWN: Omit<PlainRule, 'id' | 'pattern' | 'severity' | 'verdict'> = {
  limit: 'unknown: barproof does not know this message',
  why: 'the line is about VFIO; the error at its end is all that barproof knows of it',
  errors: {
    [Errno.EPERM]: 'the process may not, or the host does not isolate the device',
    [Errno.ENOENT]: 'a file or device is missing: a driver that is not bound, or a module that is not loaded',
    [Errno.EIO]: 'the device does not answer',
    [Errno.ENOMEM]: 'no memory, or a lock limit (ulimit -l)',
    [Errno.EACCES]: 'the permissions of a file, SELinux or AppArmor forbid it',
    [Errno.EFAULT]: 'memory that cannot be pinned or read',
    [Errno.EBUSY]: 'another driver or process has the device or the range',
    [Errno.EEXIST]: 'it is there already',
    [Errno.ENODEV]: 'the device is gone, or has another driver',
    [Errno.EINVAL]:
      'the kernel takes no such request: an alignment, a width, a reserved range, or a state of the device',
    [Errno.ENOTTY]: 'this kernel or driver does not know the request',
    [Errno.ENOSPC]: 'a table is full: mappings, slots or interrupts',
  },
  remedies: { host: ['dmesg at that moment; the lines around this one'] },
};
/**
 * A line of more than 600 characters is not matched: the patterns would go back through it for seconds. A line that ends in
 * a backslash is part of a command.
 */
const SHORT = String.raw`^(?!.{601})(?!.*\\$)`;
/** A part of VFIO, and a colon behind its device: `vfio 0000:01:00.0: `. */
const VFIO = String.raw`\b(?:vfio[\w.-]{0,30}|VFIO_\w{1,40}|iommufd\w{0,30}|IOMMU_\w{1,40})\b(?:[^:]|:(?! )){0,80}: `;
const FAILS = String.raw`.*\b(?:[Ff]ail(?:ed|ure)|[Ee]rror|[Cc]annot|[Cc]an't|[Uu]nable|[Rr]efused|[Uu]nsupported|not supported)\b`;

/** Messages of VFIO that no other rule knows. Without these rules explain would say nothing of the line. */
export const UNKNOWN_VFIO_RULES = [
  {
    id: 'unknown-of-device',
    pattern: new RegExp(`${SHORT}(?=.*-device ).*${VFIO}${FAILS}`),
    severity: 'fatal',
    verdict: 'fatal for the device: a line that begins with its -device says why QEMU refuses it',
    ...UNKNOWN,
  } as const,
  {
    id: 'unknown-of-vfio',
    pattern: new RegExp(`${SHORT}.*${VFIO}${FAILS}`),
    severity: 'depends',
    verdict: 'depends: the lines around this one say whether QEMU goes on',
    ...UNKNOWN,
  } as const,
].map(plainRule);
