import type { HostRules } from '../revision.ts';

/** The host's kernel as `src/host` has it, with nothing of its own. */
export const LINUX_HOST: HostRules = {
  pageSizes: (hardware) => hardware,
  regionInfo: (info) => info,
  mmap: (errno) => errno,
  refusesMap: () => 0,
};
