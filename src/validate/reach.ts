import { isTreeUnreached } from './patch-on-tree.ts';
import type { Verdict } from './verdict.ts';

type Reach = Pick<Verdict, 'tree' | 'rules'>;

/**
 * Whether no case came to what the patch changes: then a verdict that nothing changes says nothing. Of a patch of the model
 * that never answers otherwise than the base, each rule must have been asked: the change is in the one that was not.
 */
export const isUnreached = ({ tree, rules = [] }: Reach): boolean =>
  tree === undefined
    ? neverDiffers({ rules }) && rules.some(({ asked }) => asked === 0)
    : isTreeUnreached(tree);

/** Whether no rule of a patch of the model answered otherwise than that of the base in any case. */
export const neverDiffers = ({ rules }: Pick<Verdict, 'rules'>): boolean =>
  isEvery(rules, ({ differed }) => !differed);

const isEvery = (
  rules: Reach['rules'],
  test: (use: NonNullable<Reach['rules']>[number]) => boolean,
): boolean => rules !== undefined && rules.length > 0 && rules.every(test);
