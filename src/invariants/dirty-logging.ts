import { firstEndingAbove } from '../address/index.ts';
import type { Memslot } from '../host/index.ts';
import type { Scenario } from '../scenario/index.ts';
import { isSettled, type Trace, type TraceRange } from '../trace/index.ts';
import { rangeFrom, spanOf } from './describe.ts';
import type { Examination } from './invariant.ts';

/** Whether a migration begins in the scenario. */
export const hasMigration = ({ operations }: Scenario): boolean =>
  operations.some(({ op }) => op === 'start-dirty-log');

/**
 * Reports slots whose dirty log is off while a migration runs, so that the migrated guest would lack what it wrote, and slots
 * whose log is on without need: each first write to a page of them exits.
 */
export function checkDirtyLogs(trace: Trace, examination: Examination): void {
  const { steps } = trace;
  let isLogging = false;
  let before: readonly Memslot[] | undefined;
  for (const [index, { operation, state }] of steps.entries()) {
    const { op } = operation;
    const changes = op === 'start-dirty-log' || op === 'stop-dirty-log';
    if (changes) isLogging = op === 'start-dirty-log';
    if ((!changes && state.memslots === before) || !isSettled(trace, index)) continue;
    before = state.memslots;
    for (const slot of state.memslots) {
      examination.exercised++;
      const fault = faultOf(slot, state.flatView, isLogging);
      if (fault === undefined) continue;
      const { gpa, size, backing } = slot;
      examination.violate(
        fault,
        () => `the memslot ${spanOf(gpa, size)} of "${backing.region}" ${FAULTS[fault]}`,
        rangeFrom(gpa, size),
        index,
      );
    }
  }
}

const FAULTS = {
  'not-logged': 'logs no dirty pages while a migration runs',
  'logged-in-vain': 'logs dirty pages although no migration runs',
  'device-memory-logged': "logs dirty pages of a device's memory, which no migration copies",
} as const;

function faultOf(
  { gpa, readonly, logDirtyPages }: Memslot,
  view: readonly TraceRange[],
  isLogging: boolean,
): keyof typeof FAULTS | undefined {
  const range = view[firstEndingAbove(view, gpa)];
  if (range === undefined || range.start > gpa) return undefined;
  const { kind, isProtected } = range.region;
  if (logDirtyPages) {
    if (!isLogging) return 'logged-in-vain';
    return kind === 'ram-device' ? 'device-memory-logged' : undefined;
  }
  const needsLog = isLogging && kind === 'ram' && !readonly && isProtected !== true;
  return needsLog ? 'not-logged' : undefined;
}
