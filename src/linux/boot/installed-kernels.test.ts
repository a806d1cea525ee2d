import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chooseKernel, installedKernels } from './installed-kernels.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'installed-kernels-'));
  const install = (name: string, about: object): void => {
    mkdirSync(join(folder, name, 'modules'), { recursive: true });
    writeFileSync(join(folder, name, 'about.json'), JSON.stringify(about));
    writeFileSync(join(folder, name, 'modules', 'order'), 'vfio.ko\nvfio-pci.ko\n');
  };
  install('b-7', { release: '7.3.4+x', arch: 'x86_64', pageSize: 4096 });
  install('a-6.12', { release: '6.12.117+x', arch: 'x86_64', pageSize: 4096 });
  install('c-16k', { release: '6.12.117+x', arch: 'aarch64', pageSize: 16384 });
  install('d-iommufd', { release: '7.3.4-x', arch: 'x86_64', pageSize: 4096, iommufd: true });
  install('other', { release: '6.12', arch: 'sparc', pageSize: 8192 });
  mkdirSync(join(folder, 'unfinished'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('installedKernels', () => {
  it('lists kernels by name, without unfinished folders and unknown architectures', () => {
    const kernels = installedKernels(folder);
    expect(kernels.map(({ name }) => name)).toEqual(['a-6.12', 'b-7', 'c-16k', 'd-iommufd']);
    expect(kernels.map(({ iommufd }) => iommufd)).toEqual([false, false, false, true]);
    expect(kernels[0]).toMatchObject({ release: '6.12.117+x', architecture: 'x86_64', pageSize: 4096n });
    expect(kernels[0]!.modules.map((path) => path.slice(folder.length))).toEqual([
      ...['/a-6.12/modules/vfio.ko', '/a-6.12/modules/vfio-pci.ko'],
    ]);
  });

  it('returns an empty list for a missing folder', () => {
    expect(installedKernels(join(folder, 'none'))).toEqual([]);
  });
});

describe('chooseKernel', () => {
  const choose = (kernel: string, architecture: 'x86_64' | 'aarch64' = 'x86_64', pageSize = 0x1000n) =>
    chooseKernel({ kernel, architecture, pageSize }, installedKernels(folder))?.name;

  it.each([
    ['6.12.117+x', 'a-6.12'],
    ['6.12.9-other', 'a-6.12'],
    ['7', 'b-7'],
    ['7.3', 'b-7'],
    ['7.2', undefined],
    ['5', undefined],
  ])('chooses for Linux %s the kernel %s', (kernel, name) => {
    expect(choose(kernel)).toBe(name);
  });

  it('chooses a kernel with iommufd where the session needs it', () => {
    const wish = { kernel: '7.3', architecture: 'x86_64', pageSize: 0x1000n, iommufd: true } as const;
    const kernels = installedKernels(folder);
    expect(chooseKernel(wish, kernels)?.name).toBe('d-iommufd');
    expect(chooseKernel({ ...wish, kernel: '6.12' }, kernels)).toBeUndefined();
  });

  it('chooses a kernel with the page size of the session', () => {
    expect(choose('6.12', 'aarch64', 0x4000n)).toBe('c-16k');
    expect(choose('6.12', 'aarch64', 0x1000n)).toBeUndefined();
  });
});
