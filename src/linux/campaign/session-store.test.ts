import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { InstalledKernel } from '../boot/installed-kernels.ts';
import { decodeSession } from '../session/decode-session.ts';
import { observe } from './observe.ts';
import { SessionStore } from './session-store.ts';
import { FakeKernel } from './testing/fake-kernel.ts';

let folder: string;
let store: SessionStore;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'session-store-'));
  store = new SessionStore(join(folder, 'linux'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const kernel: InstalledKernel = {
  ...{ name: 'amd64-7', release: '7.3.4', architecture: 'x86_64', pageSize: 0x1000n },
  ...{ image: '/nowhere', modules: [], iommufd: false },
};
const HOST = { kernel, iommu: 'intel-aw48' };

/** What a kernel shows that refuses every map. */
async function observation(more: object = {}) {
  const refuses = new FakeKernel(() => ({ ret: -1, errno: 5, returned: {} }));
  const map = { call: 'map', iova: '0x0', size: '0x1000', vaddr: 'ram+0x0', flags: 3 };
  const session = decodeSession({ kernel: '7.3.4', container: 'type1v2', calls: [map], ...more });
  return observe(await refuses.answer(session)).observation!;
}

describe('a store of sessions', () => {
  it('holds a finding in one line, with the answers of the kernel', async () => {
    const file = store.save(await observation());
    expect(readdirSync(join(folder, 'linux'))).toEqual([
      expect.stringMatching(/^model-answers--type1v2-map-kernel-eio-model-ok-[0-9a-f]{8}\.ndjson$/),
    ]);
    const text = readFileSync(file, 'utf8');
    expect(text.split('\n')).toHaveLength(2);
    expect(JSON.parse(text)).toMatchObject({
      ...{ id: 'model-answers/type1v2-map-kernel-eio-model-ok', kernel: '7.3.4' },
      calls: [{ call: 'map', ret: -1, errno: 5 }],
    });
  });

  it('has the last lines of the console of a kernel that stopped', async () => {
    const file = store.save({ ...(await observation()), console: ['Kernel panic'] });
    const stored = JSON.parse(readFileSync(file, 'utf8')) as object;
    expect(stored).toMatchObject({ console: ['Kernel panic'] });
    expect(() => decodeSession(stored)).not.toThrow();
  });

  it('writes the same file for the same finding, and another for other calls', async () => {
    const first = store.save(await observation());
    expect(store.save(await observation())).toBe(first);
    const map = { call: 'map', iova: '0x1000', size: '0x1000', vaddr: 'ram+0x0', flags: 3 };
    expect(store.save(await observation({ calls: [map] }))).not.toBe(first);
  });

  it('gives the sessions of a host without answers, for whichever kernel it has', async () => {
    const file = store.save(await observation());
    store.save(await observation({ iommu: 'intel-aw39' }));
    const sessions = store.sessionsOf({ ...HOST, kernel: { ...kernel, release: '6.12.1' } });
    expect(sessions).toHaveLength(1);
    expect(sessions[0]).toMatchObject({
      file,
      session: { kernel: '6.12.1', steps: [{ call: { call: 'map' }, recorded: undefined }] },
    });
    expect(store.sessionsOf({ ...HOST, kernel: { ...kernel, pageSize: 0x4000n } })).toEqual([]);
  });

  it('is empty without a folder, passes over other files, and names a file that holds no session', () => {
    expect(store.sessionsOf(HOST)).toEqual([]);
    mkdirSync(join(folder, 'linux'));
    writeFileSync(join(folder, 'linux', 'README.md'), '# Hello');
    expect(store.sessionsOf(HOST)).toEqual([]);
    writeFileSync(join(folder, 'linux', 'a.ndjson'), '{"container":"kvm"}\n');
    expect(() => store.sessionsOf(HOST)).toThrow(/a\.ndjson: calls: expected an array/);
  });
});
