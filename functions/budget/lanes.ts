interface Waiting<Operation, Outcome> extends PromiseWithResolvers<Outcome> {
  readonly operation: Operation;
}

/** A transaction of so many operations stays short; the rest go with the next. */
const mostAtOnce = 1_000;

/**
 * One lane for each document: what waits there goes together in one `run`, in the order of arrival, and the next run begins
 * when the one before has ended. A run that fails fails for all that went with it.
 */
export function createLanes<Operation, Outcome>(run: (id: string, operations: readonly Operation[]) => Promise<readonly Outcome[]>) {
  const lanes = new Map<string, Waiting<Operation, Outcome>[]>();

  async function drive(id: string, lane: Waiting<Operation, Outcome>[]): Promise<void> {
    // Whoever asks in the same turn goes along.
    await Promise.resolve();
    while (lane.length > 0) {
      const batch = lane.splice(0, mostAtOnce);
      try {
        const outcomes = await run(
          id,
          batch.map(({ operation }) => operation),
        );
        for (const [at, outcome] of outcomes.entries()) batch[at]?.resolve(outcome);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    lanes.delete(id);
  }

  return function submit(id: string, operation: Operation): Promise<Outcome> {
    const waiting = { ...Promise.withResolvers<Outcome>(), operation };
    const lane = lanes.get(id);
    if (lane) lane.push(waiting);
    else {
      const fresh = [waiting];
      lanes.set(id, fresh);
      void drive(id, fresh);
    }
    return waiting.promise;
  };
}
