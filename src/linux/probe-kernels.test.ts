import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { KERNEL_NAMES, probeKernels } from './probe-kernels.ts';

it('probeKernels says of each kernel whether it can be booted, and otherwise what to install', () => {
  const folder = mkdtempSync(join(tmpdir(), 'probe-kernels-'));
  try {
    const own = join(folder, 'mine', 'modules');
    mkdirSync(own, { recursive: true });
    writeFileSync(join(own, 'order'), '');
    writeFileSync(
      join(folder, 'mine', 'about.json'),
      '{"release":"7.3","arch":"x86_64","pageSize":4096,"iommufd":true}',
    );
    const environment = { BARPROOF_LINUX: folder, BARPROOF_QEMU: '/nowhere' };
    const [mine, ...others] = probeKernels({ environment });
    expect(mine).toMatchObject({
      name: 'Linux mine',
      state: 'missing',
      detail: '7.3, x86_64, pages of 4K, iommufd, but it cannot be booted',
      remedy: expect.stringContaining('QEMU'),
    });
    expect(others.map(({ name }) => name)).toEqual(KERNEL_NAMES.map((name) => `Linux ${name}`));
    expect(others.find(({ name }) => name === 'Linux arm64-64k-iommufd-7')?.remedy).toMatch(
      /install-linux arm64-64k-iommufd-7 \(it builds Linux: .* minutes of CPU/,
    );
    expect(others[0]).toMatchObject({
      state: 'optional',
      remedy: expect.stringContaining('.ci/install-linux amd64-6.12'),
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
