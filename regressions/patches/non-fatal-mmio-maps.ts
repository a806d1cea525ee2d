// Seed thread, January 2018: if the host refuses to map a BAR, only peer-to-peer DMA is lost; no user has asked for it.
import { definePatch } from 'barproof';

export default definePatch({
  name: 'non-fatal-mmio-maps',
  title: 'A refusal to map device memory is reported and never fatal',
  source: 'seed thread, January 2018',
  base: 'seed-v2',
  listener: { deviceMemoryFailure: 'reported' },
});
