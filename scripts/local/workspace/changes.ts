import type { Activities, AuditEvent } from './activities.ts';
import type { Caller } from './callers.ts';
import type { Channels, UserEvent } from './channels.ts';
import type { Database } from './database.ts';
import type { Pushes } from './pushes.ts';
import type { Sink } from './sink.ts';

/** What a change tells the world, once it is committed. */
export interface Change {
  /** To the channels that watch users. */
  readonly announce: (event: UserEvent, user: { readonly id: string; readonly email: string }) => void;
  /** To the audit log. */
  readonly record: (event: AuditEvent, actor?: Caller) => void;
}

export interface Changes {
  /** Everything or nothing: the change with its activities, and after the commit its pushes. */
  commit<T>(work: (change: Change) => T): T;
}

export interface ChangesDeps {
  readonly database: Database;
  readonly channels: Channels;
  readonly pushes: Pushes;
  readonly activities: Activities;
  readonly sink: Sink;
}

export const createChanges = ({ database, channels, pushes, activities, sink }: ChangesDeps): Changes => ({
  commit(work) {
    const messages: ReturnType<Channels['toPushes']>[number][] = [];
    const entries: ReturnType<Sink['keep']>[number][] = [];
    const result = database.transaction(() =>
      work({
        announce: (event, user) => void messages.push(...channels.toPushes(event, user)),
        record: (event, actor) => void entries.push(...sink.keep(activities.append(event, actor))),
      }),
    );
    messages.forEach((message) => pushes.send(message));
    sink.send(entries);
    return result;
  },
});
