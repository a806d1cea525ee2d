// Seed thread, January 2018: a BAR that cannot be mapped costs peer-to-peer DMA, and nobody has asked for that.
import { definePatch } from 'barproof';

export default definePatch({
  name: 'non-fatal-mmio-maps',
  title: 'A refusal to map device memory is reported and never fatal',
  source: 'seed thread, January 2018',
  base: 'seed-v2',
  listener: { deviceMemoryFailure: 'reported' },
});
