import seedrandom from 'seedrandom';

/**
 * The integer that fast-check starts from, for one part of a campaign.
 *
 * @param campaignSeed any string; the same one gives the same cases.
 * @param part what the integer is for, so that parts do not share their cases.
 */
export const deriveSeed = (campaignSeed: string, part: string): number =>
  seedrandom(`${campaignSeed}\n${part}`).int32();
