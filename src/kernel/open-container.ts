import type { IommuContainer } from '../host/index.ts';

/** An open container or I/O address space. */
export interface OpenContainer {
  readonly name: string;
  readonly iommu: IommuContainer;
}
