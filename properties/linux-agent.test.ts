import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentAnswer } from '../src/linux/agent/agent-client.ts';
import { command } from '../src/linux/agent/commands.ts';
import { installedKernels } from '../src/linux/boot/installed-kernels.ts';
import { LinuxStopped } from '../src/linux/boot/linux-error.ts';
import { LinuxMachine } from '../src/linux/boot/linux-machine.ts';
import { EMULATED_IOMMUS } from '../src/linux/emulated-iommus.ts';
import { LinuxHost } from '../src/linux/kernel/linux-host.ts';
import { decodeSession } from '../src/linux/session/decode-session.ts';
import { whyNoLinux } from './testing/why-no-linux.ts';

/** A boot under TCG takes 11 to 20 s on idle cores, and several times that on busy ones. */
const TIMEOUT = 300_000;
const SIGBUS = 7;
const EBADF = 9;

const kernel = installedKernels().find(({ architecture }) => architecture === 'x86_64');
const reason = whyNoLinux(kernel);
const skipped = reason === undefined ? '' : ` (skipped: ${reason})`;

describe.skipIf(reason !== undefined)(
  `the agent in a real Linux kernel${skipped}`,
  { timeout: TIMEOUT },
  () => {
    let machine: LinuxMachine;
    beforeAll(async () => {
      machine = await LinuxMachine.boot({ kernel: kernel!, iommu: EMULATED_IOMMUS.get('intel-aw48')! });
    }, TIMEOUT);
    afterAll(() => machine.end());

    const ask = async (text: string): Promise<AgentAnswer> => (await machine.call([text]))[0]!;
    const resultOf = (answer: AgentAnswer): number =>
      answer.kind === 'returned' ? answer.result : Number.NaN;

    it('executes a thousand calls in less than a second', async () => {
      const calls = Array.from({ length: 1000 }, () => command.close(999));
      await machine.call(calls);
      const begun = performance.now();
      const answers = await machine.call(calls);
      expect(performance.now() - begun).toBeLessThan(1000);
      expect(answers.every((answer) => answer.kind === 'returned' && answer.errno === EBADF)).toBe(true);
    });

    it('answers trap to a load that ends in SIGBUS, and executes later commands', async () => {
      // A shared mapping of a file that is shorter than the mapping.
      const file = resultOf(await ask(command.open('/tmp/empty', 0o102)));
      const address = 0x2000_0000_0000n;
      const length = 4096n;
      await ask(command.mmap({ address, length, protection: 3, flags: 0x11, descriptor: file, offset: 0n }));
      await expect(ask(command.load(address, 4))).resolves.toEqual({ kind: 'trap', signal: SIGBUS });
      await expect(ask(command.store(address, 4, 1n))).resolves.toEqual({ kind: 'trap', signal: SIGBUS });
      await expect(ask(command.close(file))).resolves.toMatchObject({ kind: 'returned', result: 0 });
    });

    it('starts a program, tells how it ended, and kills one that runs at the end of the case', async () => {
      const ended = resultOf(await ask(command.spawn('/tmp/output', ['/nowhere', 'x'])));
      expect(ended).toBeGreaterThan(1);
      await expect
        .poll(async () => resultOf(await ask(command.ended(ended))), { timeout: 10_000 })
        .toBe(ended);
      // The agent itself, as a second process, waits for a port that is taken.
      const running = resultOf(await ask(command.spawn('/tmp/output', ['/init'])));
      await expect(ask(command.ended(running))).resolves.toMatchObject({ result: 0 });
      await ask(command.endCase());
      const gone = await ask(command.readFile(`/proc/${running}/status`));
      expect(gone).toMatchObject({ kind: 'returned', result: -1 });
    });

    it('closes the descriptors and mappings of a case', async () => {
      const first = resultOf(await ask(command.open('/proc/version', 0)));
      const address = 0x2100_0000_0000n;
      await ask(
        command.mmap({ address, length: 4096n, protection: 3, flags: 0x32, descriptor: -1, offset: 0n }),
      );
      await expect(ask(command.poke(address, Uint8Array.of(1, 2)))).resolves.toMatchObject({ result: 2 });
      await ask(command.endCase());
      expect(resultOf(await ask(command.open('/proc/version', 0)))).toBe(first);
      await expect(ask(command.peek(address, 2))).resolves.toMatchObject({ kind: 'trap' });
      await ask(command.endCase());
    });

    it('answers late to a call that does not return in time, and executes later commands', async () => {
      await ask(command.limit(300));
      // A read of the kernel's log blocks once all lines have been read.
      await expect(ask(command.readFile('/proc/kmsg'))).resolves.toEqual({ kind: 'late' });
      await expect(ask(command.close(999))).resolves.toMatchObject({ errno: EBADF });
      await ask(command.limit(10_000));
    });

    it('throws LinuxStopped after a panic of the kernel, and leaves neither process nor folder', async () => {
      const ours = await LinuxMachine.boot({ kernel: kernel!, iommu: EMULATED_IOMMUS.get('intel-aw48')! });
      const { directory, pid } = ours;
      const crash = ours.call([command.writeFile('/proc/sysrq-trigger', 'c')]);
      await expect(crash).rejects.toThrow(LinuxStopped);
      await expect(crash).rejects.toMatchObject({ message: expect.stringMatching(/panic|sysrq/i) });
      await expect(ours.call([command.close(999)])).rejects.toThrow(LinuxStopped);
      await ours.end();
      expect(existsSync(directory)).toBe(false);
      expect(() => process.kill(pid, 0)).toThrow();
    });
  },
);

describe.skipIf(reason !== undefined)(
  `sessions on a real Linux kernel${skipped}`,
  { timeout: TIMEOUT },
  () => {
    it('get devices of different layouts on one booted machine', async () => {
      const host = new LinuxHost({ kernels: [kernel!] });
      const withBar = (size: string) =>
        decodeSession({
          container: 'region',
          kernel: kernel!.release,
          info: { device: { bars: [{ index: 0, size, type: 'mem64', prefetch: true }] } },
          calls: [{ call: 'region-info', index: 0 }],
        });
      try {
        const sizes = [];
        for (const size of ['0x4000', '0x200000', '0x1000']) {
          const { answers } = await host.answer(withBar(size));
          sizes.push('returned' in answers[0]! ? answers[0].returned['size'] : answers[0]);
        }
        expect(sizes).toEqual([0x4000n, 0x200000n, 0x1000n]);
        expect(host.boots).toBe(1);
      } finally {
        await host.close();
      }
    });
  },
);
