import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';

/**
 * A name for the PID namespace of this process, 8 hex digits: two containers, or two machines that share a folder, have
 * different names. `undefined` if /proc does not name them (proc(5): `ns/pid` and `random/boot_id`).
 */
export function pidNamespace(): string | undefined {
  try {
    const parts = [
      readFileSync('/proc/sys/kernel/random/boot_id', 'utf8'),
      readlinkSync('/proc/self/ns/pid'),
    ];
    return createHash('sha256').update(parts.join()).digest('hex').slice(0, 8);
  } catch {
    return undefined;
  }
}

/** Whether a process of this PID namespace runs. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
