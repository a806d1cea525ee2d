/** The fields with which each structure of VFIO begins. */
export interface RequestHeader {
  /** The size of the structure as the caller states it; by default the size of the structure. */
  readonly argsz?: number | undefined;
  /** The flags of the request, also bits that do not exist. */
  readonly flags: number;
}
