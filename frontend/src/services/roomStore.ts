/** A {@link RoomState} that can be subscribed to, and that asks for a snapshot once per gap. */
import { Emitter } from './emitter.ts';
import type { RoomEvent } from './events.ts';
import { EMPTY_ROOM, reduce, type RoomState } from './roomState.ts';

export class RoomStore {
  readonly #changed = new Emitter();
  readonly #askSnapshot: () => void;
  #state: RoomState = EMPTY_ROOM;

  /** `askSnapshot` is called when events turn out to be missing; the answer comes back through {@link dispatch}. */
  constructor(askSnapshot: () => void) {
    this.#askSnapshot = askSnapshot;
  }

  readonly subscribe = (listener: () => void): (() => void) => this.#changed.subscribe(listener);

  readonly getSnapshot = (): RoomState => this.#state;

  /** Applies one event. Returns the state before it, equal by identity when it changed nothing. */
  dispatch(event: RoomEvent): RoomState {
    const before = this.#state;
    this.#state = reduce(before, event);
    if (this.#state === before) return before;
    this.#changed.emit();
    if (this.#state.gap && !before.gap) this.#askSnapshot();
    return before;
  }
}
