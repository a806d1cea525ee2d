import { REAL_DEVICES } from '../../generators/index.ts';
import { INVARIANTS } from '../invariants/index.ts';
import { ALL_REVISIONS } from '../model/index.ts';
import { deviceList, invariantList, revisionList } from '../report/index.ts';

/** The texts of `barproof list`, by the name of the list. */
export const LISTS = {
  invariants: () => invariantList(INVARIANTS),
  revisions: () => revisionList(ALL_REVISIONS),
  devices: () => deviceList(REAL_DEVICES),
} as const satisfies Record<string, () => string>;
