import type { KernelRules } from './kernel-rules.ts';
import { linux4_16 } from './linux-4.16.ts';

/** A container has a limit of mappings (host fact R1.3.4). */
export const linux5_1: KernelRules = { ...linux4_16, type1: { ...linux4_16.type1, limitsMappings: true } };
