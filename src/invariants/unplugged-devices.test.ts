import { describe, expect, it } from 'vitest';
import { UnpluggedDevices } from './unplugged-devices.ts';
import { device } from './testing/index.ts';

const NOTHING = { plugged: [], changed: [], reshaped: [], unplugged: [] };
const [first, second] = ['dev0', 'dev1'].map((id) => device([], undefined, { id }));

describe('UnpluggedDevices', () => {
  it('has a device from its unplug to its next plug, and keeps it while others come and go', () => {
    const gone = new UnpluggedDevices();
    const has = (): readonly boolean[] => ['dev0', 'dev1', 'dev2'].map((id) => gone.has(id));
    expect(gone.follow({ ...NOTHING, plugged: [first!, second!] })).toBe(true);
    expect(has()).toEqual([false, false, false]);
    expect(gone.follow({ ...NOTHING, unplugged: ['dev0', 'dev1'] })).toBe(true);
    expect(has()).toEqual([true, true, false]);
    expect(gone.follow({ ...NOTHING, plugged: [second!] })).toBe(true);
    expect(has()).toEqual([true, false, false]);
  });

  it('says whether a device came or went', () => {
    const gone = new UnpluggedDevices();
    expect(gone.follow(NOTHING)).toBe(false);
    expect(gone.follow({ ...NOTHING, changed: [first!] })).toBe(false);
  });

  it('has no memory without an owner', () => {
    expect(new UnpluggedDevices().has(undefined)).toBe(false);
  });
});
