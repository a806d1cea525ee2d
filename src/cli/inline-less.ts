import { setFlagsFromString } from 'node:v8';

/** How many bytes of bytecode V8 may copy into one function that it optimizes; 920 by default. */
const MOST_INLINED_BYTES = 300;

/**
 * Lets V8 copy fewer functions into each other. A check runs hundreds of small functions for a few seconds, and V8 spends
 * half of the CPU time on compiling these: with the default limit, it compiles most of them again in each caller.
 * Measured: 12 % less CPU time for the first 6,000 cases on Node 20, 8 % on Node 24. A campaign that lasts is a little
 * faster without.
 */
export const inlineLess = (): void =>
  setFlagsFromString(`--max-inlined-bytecode-size-cumulative=${MOST_INLINED_BYTES}`);
