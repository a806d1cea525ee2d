import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { runOnModel } from '../src/model/index.ts';
import { QemuTarget, revisionOfVersion } from '../src/qemu/index.ts';
import { readScenarioPart, ScenarioDecoder, type Scenario } from '../src/scenario/index.ts';
import { NotRunnable } from '../src/trace/index.ts';
import { seedSummary, type SeedSummary } from './testing/seed-summary.ts';
import { whyNoQemu } from './testing/why-no-qemu.ts';

const fileOf = (path: string): string => fileURLToPath(new URL(`../regressions/${path}`, import.meta.url));

/** The cases of the seed thread, by the names of their files. */
const CASES: readonly (readonly [name: string, scenario: Scenario])[] = readdirSync(fileOf('seed')).map(
  (file) => {
    const { scenario } = JSON.parse(readFileSync(join(fileOf('seed'), file), 'utf8')) as {
      scenario: unknown;
    };
    return [basename(file, '.json'), readScenarioPart(new ScenarioDecoder(), scenario, '')];
  },
);

/** What one QEMU did with each case that a real QEMU can run. */
interface Recording {
  readonly version: string;
  readonly cases: Readonly<Record<string, SeedSummary>>;
}

/** `.ci/install-qemu 7.2` puts one into `.cache/qemu-7.2`; the variable names the folder above. */
const OLDER = process.env['BARPROOF_OLDER_QEMU'];

describe.each(['5.2', '7.2', '10.0', '11.1'])('the cases of the seed thread on QEMU %s', (release) => {
  const path = release === '11.1' ? undefined : join(OLDER ?? '/nowhere', `qemu-${release}`, 'bin');
  const target = new QemuTarget({ interface: 'kernel', path });
  afterAll(() => target.close());
  const recording = fileOf(`recordings/seed-on-qemu-${release}.json`);

  it('have the recorded requests and ends on the model of the release', () => {
    const { version, cases } = JSON.parse(readFileSync(recording, 'utf8')) as Recording;
    const revision = revisionOfVersion(version)!;
    const names = Object.keys(cases);
    expect(names.length).toBeGreaterThanOrEqual(7);
    for (const [name, scenario] of CASES.filter(([one]) => names.includes(one)))
      expect([name, seedSummary(runOnModel(scenario, revision))]).toEqual([name, cases[name]]);
  });

  it('have them on the program', async (context) => {
    const why = await whyNoQemu(target, 'virt');
    context.skip(why !== undefined, why);
    const { version } = await target.inspect('virt');
    context.skip(!version.startsWith(`${release}.`), `the QEMU here is ${version}`);
    const cases: Record<string, SeedSummary> = {};
    for (const [name, scenario] of CASES) {
      try {
        cases[name] = seedSummary(await target.run(scenario));
      } catch (error) {
        if (!(error instanceof NotRunnable)) throw error;
      }
    }
    const text = `${JSON.stringify({ version, cases }, undefined, 2)}\n`;
    await expect(text).toMatchFileSnapshot(recording);
  });
});
