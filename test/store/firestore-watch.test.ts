import type { DocumentReference } from '@google-cloud/firestore';
import { currentSchema, toFields } from '../../functions/store/firestore-documents.ts';
import { createFirestoreWatch } from '../../functions/store/firestore-watch.ts';
import { channel } from '../conformance/store.ts';

type Hear = (snapshot: { data: () => unknown }) => void;

/** A document whose listeners hear what they are told to. */
function openDocument() {
  const listeners = new Set<{ hear: Hear; fail: (error: Error) => void }>();
  const reference = {
    onSnapshot(hear: Hear, fail: (error: Error) => void) {
      const listener = { hear, fail };
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  } as unknown as DocumentReference;
  const watch = createFirestoreWatch({ schema: currentSchema, locate: () => reference });
  return { listeners, watch, wait: (signal = new AbortController().signal) => watch.changed('channels', 'c', undefined, signal) };
}

describe('a wait for a document of Firestore', () => {
  it.each([
    [14, 'unavailable', 'it is tried again'],
    [7, 'forbidden', 'give the service account of the plane the role roles/datastore.user'],
  ])('passes on that its listener failed with status %i, and detaches it', async (code, ours, remedy) => {
    const { listeners, wait } = openDocument();
    const failed = expect(wait()).rejects.toMatchObject({ code: ours, message: `cannot watch channels c: gone; ${remedy}` });
    for (const { fail } of listeners) fail(Object.assign(new Error('gone'), { code }));
    await failed;
    expect(listeners.size).toBe(0);
  });

  it('refuses a document that a newer program wrote', async () => {
    const { listeners, wait } = openDocument();
    const failed = expect(wait()).rejects.toMatchObject({ code: 'conflict' });
    for (const { hear } of listeners) hear({ data: () => toFields('channels', 'c', channel('c', 1), { ...currentSchema, written: 99 }) });
    await failed;
    expect(listeners.size).toBe(0);
  });

  it('attaches no listener for a signal that has aborted, and detaches those whose signal aborts', async () => {
    const { listeners, wait } = openDocument();
    await wait(AbortSignal.abort());
    const ending = new AbortController();
    const waiting = wait(ending.signal);
    for (const { hear } of listeners) hear({ data: () => undefined });
    expect(listeners.size).toBe(1);
    ending.abort();
    await waiting;
    expect(listeners.size).toBe(0);
  });

  it('has detached every listener by the time it is ended, because the client ends with none only', async () => {
    const { listeners, watch, wait } = openDocument();
    const refused = [wait(), wait()].map((waiting) => expect(waiting).rejects.toThrow('closed'));
    expect(listeners.size).toBe(2);
    watch.end(new Error('closed'));
    expect(listeners.size).toBe(0);
    await Promise.all(refused);
  });
});
