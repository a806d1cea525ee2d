import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { runInProcess as barproof } from './testing/run-in-process.ts';

/** What bash offers for a command line whose last word is being typed. */
async function offered(line: string): Promise<readonly string[]> {
  const { out } = await barproof(['completion', 'bash']);
  const words = line.split(' ');
  const call = [
    out,
    `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}`,
    '_barproof; printf "%s\\n" "${COMPREPLY[@]}"',
  ];
  const { stdout, stderr } = spawnSync('bash', ['-c', call.join('\n')], { encoding: 'utf8' });
  expect(stderr).toBe('');
  return stdout.trim().split('\n');
}

describe('barproof completion', () => {
  it('completes commands, options and names in bash', async () => {
    await expect(offered('barproof che')).resolves.toEqual(['check']);
    await expect(offered('barproof check --re')).resolves.toEqual(
      expect.arrayContaining(['--revision', '--report', '--realistic', '--regressions']),
    );
    await expect(offered('barproof check --revision seed-v2+sk')).resolves.toContain(
      'seed-v2+skip-as-posted',
    );
    await expect(offered('barproof check --invariant map-a')).resolves.toEqual(['map-aligned']);
    await expect(offered('barproof replay --target q')).resolves.toEqual(['qemu']);
    await expect(offered('barproof check --target ')).resolves.toEqual(['model', 'qemu', 'linux']);
    await expect(offered('barproof host --target ')).resolves.toEqual(['model', 'linux']);
    await expect(offered('barproof list d')).resolves.toEqual(['devices']);
    await expect(offered('barproof check --report sa')).resolves.toEqual(['sarif=']);
  });

  it('knows zsh and fish, and names the nearest shell for a wrong one', async () => {
    expect((await barproof(['completion', 'zsh'])).out).toContain('bashcompinit');
    const fish = (await barproof(['completion', 'fish'])).out;
    expect(fish).toMatch(/^complete -c barproof -n '__fish_seen_subcommand_from check' -l runs -d /m);
    for (const line of fish.trimEnd().split('\n')) expect(line).toMatch(/^complete -c barproof -n '/);
    expect((await barproof(['completion', 'bsh'])).err).toContain('Did you mean bash?');
  });
});

describe('a wrong name', () => {
  it('of a target or a command gets a suggestion', async () => {
    expect((await barproof(['check', '--target', 'quemu'])).err).toContain('Did you mean qemu?');
    expect((await barproof(['chekc'])).err).toContain('Did you mean check?');
  });
});
