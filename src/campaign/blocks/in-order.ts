/** For each worker, how many results may wait for an earlier one: more would fill the memory. */
const WAITING_FOR_EACH_JOB = 4;

/**
 * Does the work on all items, several at a time, and yields the results in the order of the items. So the results do
 * not depend on the number of workers.
 *
 * @param jobs how many items are worked on at a time.
 * @throws what `work` throws, when the turn of that item comes.
 */
export async function* inOrder<Item, Result>(
  items: Iterable<Item>,
  jobs: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const iterator = items[Symbol.iterator]();
  const begun: Promise<Result>[] = [];
  let running = 0;
  let exhausted = false;
  let onFree = (): void => undefined;
  const begin = (): void => {
    while (!exhausted && running < jobs && begun.length < jobs * WAITING_FOR_EACH_JOB) {
      const { done, value } = iterator.next();
      if (done === true) {
        exhausted = true;
        break;
      }
      running++;
      const result = work(value).finally(() => {
        running--;
        onFree();
      });
      // The failure is thrown in the item's turn; until then it is no unhandled one.
      result.catch(() => undefined);
      begun.push(result);
    }
  };
  onFree = begin;
  begin();
  while (begun.length > 0) {
    const result = await begun[0]!;
    begun.shift();
    begin();
    yield result;
  }
}
