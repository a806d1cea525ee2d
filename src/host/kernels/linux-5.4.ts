import type { KernelRules } from './kernel-rules.ts';
import { linux5_1 } from './linux-5.1.ts';

/** type1 keeps a list of valid IOVAs (host fact M12). */
export const linux5_4: KernelRules = { ...linux5_1, type1: { ...linux5_1.type1, checksValidIovas: true } };
