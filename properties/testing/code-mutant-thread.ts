import { it } from 'vitest';

// The only test file that vitest itself runs: code-mutant-test-runner.ts runs the tests of the rooms after it.
it('starts a thread that judges code mutants', () => {});
