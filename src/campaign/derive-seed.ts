import seedrandom from 'seedrandom';

/**
 * The integer from which fast-check generates the cases of one part of a campaign.
 *
 * @param campaignSeed any string; the same string gives the same cases.
 * @param part the name of the part, such as `check qemu-11.1`: parts of different names get different cases.
 */
export const deriveSeed = (campaignSeed: string, part: string): number =>
  seedrandom(`${campaignSeed}\n${part}`).int32();
