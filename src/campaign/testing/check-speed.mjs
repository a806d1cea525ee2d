/**
 * How long a case takes in an installed barproof, without the test runner, whose modules are slower.
 *
 * Usage: node check-speed.mjs FOLDER WARM-UP-CASES ROUNDS. FOLDER holds `dist` and `node_modules`. Prints one line of JSON:
 * the microseconds of CPU time that one case takes, cold and in each warm round, and how many states a case has.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [, , folder, warmUpCases, rounds] = process.argv;
const load = (file) => import(pathToFileURL(join(folder, file)).href);
const fc = await load('node_modules/fast-check/lib/fast-check.js');
const { scenarios } = await load('dist/generators/index.js');
const { COMMON_INVARIANTS, examineAll } = await load('dist/src/invariants/index.js');
const { runOnModel } = await load('dist/src/model/index.js');
const { NEWEST } = await load('dist/src/vfio/index.js');

const drawn = scenarios({ revision: NEWEST.id, iommuTypes: NEWEST.iommus });
/** Depends on every run, so that the JavaScript engine cannot drop one. */
let exercised = 0;
/** How many states the checks have judged: one for each step of a trace. */
let states = 0;
let checked = 0;

/** A round generates cases; or generates and runs them; or generates, runs and judges them. */
const TASKS = {
  generation: () => undefined,
  model: (scenario) => {
    exercised += runOnModel(scenario, NEWEST).steps.length;
  },
  check: (scenario) => {
    const trace = runOnModel(scenario, NEWEST);
    states += trace.steps.length;
    checked++;
    for (const examination of examineAll(trace, COMMON_INVARIANTS)) exercised += examination.exercised;
  },
};

/** Runs cases. Returns the microseconds of CPU time that one takes, all threads of the process together. */
function time(task, seed, cases) {
  const before = process.cpuUsage();
  fc.assert(fc.property(drawn, TASKS[task]), { seed, numRuns: cases, endOnFailure: true });
  const { user, system } = process.cpuUsage(before);
  return (user + system) / cases;
}

const COLD_CASES = 2000;
const ROUND_CASES = 1000;

const cold = time('check', 0, COLD_CASES);
time('check', 1, Number(warmUpCases));
const warm = { generation: [], model: [], check: [] };
// The tasks take turns, so that other load on the machine slows each of them alike. The first turn warms up.
for (let round = -1; round < Number(rounds); round++) {
  for (const task of Object.keys(TASKS)) {
    const microseconds = time(task, round, ROUND_CASES);
    if (round >= 0) warm[task].push(microseconds);
  }
}
if (exercised === 0) throw new Error('no invariant has checked anything');
const about = { revision: NEWEST.id, invariants: COMMON_INVARIANTS.length, statesPerCase: states / checked };
console.log(JSON.stringify({ ...about, cold: { cases: COLD_CASES, microseconds: cold }, warm }));
