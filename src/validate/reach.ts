import { isTreeUnreached } from './patch-on-tree.ts';
import type { Verdict } from './verdict.ts';

type Reach = Pick<Verdict, 'tree' | 'rules'>;

/** Whether no case came to what the patch changes: then a verdict that nothing changes says nothing. */
export const isUnreached = ({ tree, rules }: Reach): boolean =>
  tree === undefined ? isEvery(rules, ({ asked }) => !asked) : isTreeUnreached(tree);

/** Whether the rules of the patch were asked, and answered as those of the base in all cases. */
export const neverDiffers = ({ rules }: Reach): boolean => isEvery(rules, ({ differed }) => !differed);

const isEvery = (
  rules: Reach['rules'],
  test: (use: NonNullable<Reach['rules']>[number]) => boolean,
): boolean => rules !== undefined && rules.length > 0 && rules.every(test);
