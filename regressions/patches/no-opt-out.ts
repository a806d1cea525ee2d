// For comparison: the seed patch without an opt-out shows which cases need the opt-out.
import { definePatch } from 'barproof';

export default definePatch({
  name: 'no-opt-out',
  title: 'The seed patch without an opt-out: MSI-X is emulated on every machine',
  source: 'for comparison',
  base: 'seed-v2',
  device: { msixExposure: () => ({ kind: 'emulated' }) },
});
