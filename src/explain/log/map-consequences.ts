import type { LogMeaning, MappedMemory } from './log-finding.ts';

/** What a refused map means for the machine. */
export type Consequence = Pick<LogMeaning, 'severity' | 'verdict'>;

/** The consequences where the line does not say more. Those of a BAR depend on the release of QEMU. */
export const CONSEQUENCES: Readonly<Record<Exclude<MappedMemory, 'BAR'>, Consequence>> = {
  RAM: {
    severity: 'fatal',
    verdict: 'fatal: without this RAM a device could not be used, so QEMU refuses the device or ends',
  },
  'RAM or a BAR': {
    severity: 'depends',
    verdict:
      'fatal if it is RAM; not fatal (since QEMU 2.12) if it is a BAR. `info mtree -f` beside this line would tell',
  },
};
