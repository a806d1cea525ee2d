import { definePatch } from 'barproof';

/** A VMM that lets guest and devices only read a BAR without VFIO_REGION_INFO_FLAG_WRITE, as the series of the bug does. */
export default definePatch({ name: 'read-only-bars', device: { honoursWriteFlag: true } });
