/** What QEMU says of the memory of a machine that has just been made. */
export interface MachineDump {
  /** The machine type. */
  readonly machine: string;
  /** The text of `info mtree -o -D`. */
  readonly tree: string;
  /** The text of `info mtree -o`: no lines for disabled regions. */
  readonly enabledTree: string;
  /** The text of `info mtree -f -o`. */
  readonly flat: string;
}
