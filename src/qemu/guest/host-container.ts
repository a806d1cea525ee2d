import { hostAddress, offset } from '../../address/index.ts';
import type { IommuContainer } from '../../host/index.ts';
import type { DmaContainer } from '../../vfio-user/index.ts';

/** A container of the host model as a vfio-user server asks it. */
export const hostContainer = (container: IommuContainer): DmaContainer => ({
  pageSizes: container.pageSizes,
  map: ({ iova, size, readonly, file, fileOffset = offset(0n) }) =>
    container.map({
      iova,
      size,
      readonly,
      // The client sends no virtual address. Its offset in the file is aligned as the address would be.
      hostAddress: hostAddress(fileOffset),
      deviceMemory: file === undefined,
      backing: { region: file ?? '', owner: undefined, offset: fileOffset },
    }),
  unmap: (iova, size) => container.unmap(iova, size).errno,
  mappings: () =>
    container.mappings().map(({ iova, size, readonly, deviceMemory, backing }) => ({
      iova,
      size,
      readonly,
      fileOffset: deviceMemory ? undefined : backing.offset,
    })),
});
