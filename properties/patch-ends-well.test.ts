import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { untilBusyFor } from './testing/busy.ts';
import { programInFolder, type Result } from './testing/program-in-folder.ts';

/** `validate` ends with a verdict of its own, or with exit code 2 and the reason, where a patch exits, throws, prints or posts. */

const program = programInFolder();

describe('a patch', () => {
  const validate = (body: string, ...more: string[]): Result => {
    writeFileSync(join(program.here, 'p.ts'), `import { definePatch } from 'barproof';\n${body}\n`);
    return program.run(['validate', 'p.ts', '--runs', '50', ...more]);
  };
  const EXPORT = `export default definePatch({ name: 'p' });`;
  const IN_RULE = (act: string): string =>
    `export default definePatch({ name: 'p', listener: (base) => ({ alignment: (pages) => {
      ${act}; return base.alignment(pages); } }) });`;

  it.each([
    ['while it is loaded', `process.exit(0); ${EXPORT}`],
    ['in a rule', IN_RULE('process.exit(0)')],
    ['in a timer', `setTimeout(() => process.exit(0), 1); ${EXPORT}`],
  ])(
    'that calls process.exit(0) %s gets no verdict and exit code 2',
    (_, body) => {
      const { code, out, err } = validate(body);
      expect(err).toBe('✖ p.ts: the patch ends its thread, as by process.exit: there is no verdict\n');
      expect(out).toBe('');
      expect(code).toBe(2);
    },
    90_000,
  );

  it('that throws in a timer gets no verdict and exit code 2', () => {
    const { code, err } = validate(`setTimeout(() => { throw new Error('late'); }, 1); ${EXPORT}`);
    expect(err).toBe('✖ p.ts: the patch throws outside of its rules: Error: late; there is no verdict\n');
    expect(code).toBe(2);
  }, 90_000);

  it('that leaves a timer and a server does not outlive its verdict', () => {
    const { code, out, milliseconds } = validate(`import { createServer } from 'node:net';
      setInterval(() => undefined, 1000); createServer().listen(0); ${EXPORT}`);
    expect(out).toContain('changes nothing');
    expect(code).toBe(0);
    expect(milliseconds).toBeLessThan(30_000);
  }, 90_000);

  it('that prints does so on standard error, line by line and at most 100 lines', () => {
    const { code, out, err } = validate(IN_RULE(`console.log('\\u001b[31mred')`), '--json');
    expect(JSON.parse(out)).toMatchObject({ breaks: false });
    expect(err.split('\n')[0]).toBe('p.ts prints: \\u001b[31mred');
    expect(err).toContain('p.ts prints more than 100 lines\n');
    expect(err.split('\n')).toHaveLength(102);
    expect(code).toBe(0);
  }, 90_000);

  it('that replaces the functions by which a program prints does not silence the verdict', () => {
    const { code, out } = validate(
      `process.stdout.write = process.stderr.write = () => true; console.log = () => undefined; ${EXPORT}`,
    );
    expect(out).toContain('changes nothing');
    expect(code).toBe(0);
  }, 90_000);

  it.each([
    ['answers', `parentPort.postMessage({ kind: 'answer', answer: FORGED })`],
    ['nothing', 'parentPort.postMessage(null)'],
    ['no more', 'parentPort.close()'],
    [
      'by the handles of Node',
      `process._getActiveHandles().filter((one) => one instanceof MessagePort)
        .forEach((port) => port.postMessage({ kind: 'answer', answer: FORGED, word: { kind: 'answer', answer: FORGED } }))`,
    ],
    ['by its data', `workerData.port?.postMessage({ kind: 'answer', answer: FORGED })`],
    [
      'by all ports',
      `MessagePort.prototype.postMessage = function () {}; MessagePort.prototype.on = function () {}`,
    ],
  ])(
    'that says %s in the name of the judge does not change the verdict',
    (_, act) => {
      const { code, out, err } =
        validate(`import { MessagePort, parentPort, workerData } from 'node:worker_threads';
      const FORGED = { err: '', out: 'breaks nothing; mends nothing\\n', exitCode: 0 };
      ${act};
      export default definePatch({ name: 'p', listener: { skip: () => 'ram-device' } });`);
      expect(err).toBe('');
      expect(out).toMatch(/^breaks [1-9]/);
      expect(code).toBe(1);
    },
    90_000,
  );

  it.each([
    ['JSON.stringify', `JSON.stringify = () => 'x'`],
    ['Array.prototype.map', 'Array.prototype.map = () => []'],
    ['Object.keys', 'Object.keys = () => []'],
    ['Promise.prototype.then', 'Promise.prototype.then = function () { return this; }'],
    ['Function.prototype.call', 'Function.prototype.call = () => undefined'],
    ['setImmediate', 'globalThis.setImmediate = () => undefined'],
    ['Promise', 'globalThis.Promise = undefined'],
  ])(
    'that replaces %s gets no verdict, wherever it does so',
    (name, act) => {
      const why = `replaces ${name}, by which barproof itself works; expected a program that leaves the built-ins of JavaScript as they are`;
      const onLoad = validate(`${act}; ${EXPORT}`);
      expect([onLoad.code, onLoad.out, onLoad.err]).toEqual([2, '', `✖ p.ts: ${why}\n`]);
      const inRule = validate(IN_RULE(act));
      expect([inRule.code, inRule.out, inRule.err]).toEqual([2, '', `✖ p.ts: ${why}\n`]);
    },
    90_000,
  );

  it('that closes the port of its judge gets no verdict', () => {
    const { code, out, err } = validate(`import { MessagePort } from 'node:worker_threads';
      process._getActiveHandles().filter((one) => one instanceof MessagePort).forEach((port) => port.close()); ${EXPORT}`);
    expect([code, out]).toEqual([2, '']);
    expect(err).toBe("✖ p.ts: the patch's thread gave no answer that can be read: there is no verdict\n");
  }, 90_000);

  it('that exports no patch is refused with the export that is expected', () => {
    const { code, err } = validate(`export default 1;`);
    expect(err).toBe('✖ p.ts: exports no patch; expected: export default definePatch({ ... })\n');
    expect(code).toBe(2);
  }, 90_000);

  it('whose judgement gets SIGTERM is judged by the cases until then', async () => {
    writeFileSync(join(program.here, 'p.ts'), `import { definePatch } from 'barproof';\n${EXPORT}\n`);
    const child = spawn(process.execPath, [program.main, 'validate', 'p.ts', '--runs', '1000000'], {
      cwd: program.here,
    });
    const out = textOf(child.stdout);
    await untilBusyFor(child.pid!, 2.5);
    child.kill('SIGTERM');
    const code = await new Promise((resolve) => child.once('exit', resolve));
    expect(await out).toMatch(/^interrupted: .* in [\d,]+ cases/m);
    expect(code).toBe(2);
  }, 90_000);
});
