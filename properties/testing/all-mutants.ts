import { MUTANTS_FROM_BELOW } from './mutants-from-below.ts';
import { MUTANTS as MUTANTS_FROM_ABOVE, type Mutant } from './mutants.ts';

/** Every wrong engine of the tests. Those that give too little come last. */
export const MUTANTS: readonly Mutant[] = [...MUTANTS_FROM_ABOVE, ...MUTANTS_FROM_BELOW];
