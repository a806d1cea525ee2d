import type { CampaignFolder } from './campaign-folder.ts';
import type { CampaignState } from './campaign-state.ts';

/** A state is written when it has so many times the blocks of the last one: what a kill costs is at most a fiftieth. */
const AHEAD = 1.02;

/** The state of a campaign in its folder. It falls a little behind, because a state has thousands of behaviours to write. */
export class SavedState {
  readonly #folder: Pick<CampaignFolder, 'saveState'>;
  #written: CampaignState;
  #last: CampaignState;

  /** @param begun the state with which the command begins; it is written at once. */
  constructor(folder: Pick<CampaignFolder, 'saveState'>, begun: CampaignState) {
    this.#folder = folder;
    folder.saveState(begun);
    this.#written = this.#last = begun;
  }

  /** Takes a later state, and writes it if it is far enough ahead. */
  update(state: CampaignState): void {
    this.#last = state;
    if (state.blocks >= this.#written.blocks * AHEAD) this.finish();
  }

  /** Writes the last state. */
  finish(): void {
    if (this.#last === this.#written) return;
    this.#folder.saveState(this.#last);
    this.#written = this.#last;
  }
}
