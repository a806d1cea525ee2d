import { alignUp, definePatch } from 'barproof';

/** A VMM that traps whole pages for the MSI-X table, and hands what lies behind the table to the device. */
export default definePatch({
  name: 'whole-page-trap',
  device: { emulatedTableSize: (tableSize, hostPageSize) => alignUp(tableSize, hostPageSize) },
  access: {
    route: ({ offset, width }, found, layout) => {
      if (found !== 'table' || layout === undefined) return found;
      const end = layout.tableOffset + 16n * BigInt(layout.vectors);
      return offset + BigInt(width) > end ? 'device' : 'table';
    },
  },
});
