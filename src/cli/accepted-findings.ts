import type { StoredRegression } from '../campaign/index.ts';
import { NEWEST } from '../vfio/index.ts';
import { shippedRegressions } from './shipped-regressions.ts';

/**
 * The findings that a revision is known for, which come with barproof. Only findings of the newest QEMU may be marked as
 * known: the real QEMU shows them, too.
 */
export const acceptedFindings = (revision: string): readonly StoredRegression[] =>
  revision === NEWEST.id
    ? shippedRegressions('known').filter(
        ({ regression }) => regression.status === 'known' && regression.failsOn.includes(revision),
      )
    : [];
