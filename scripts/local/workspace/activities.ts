import type { admin_reports_v1 as reports } from '@googleapis/admin';
import { unlessEmpty, withEtag } from './answers.ts';
import { readActivityQuery, type Application } from './activity-query.ts';
import type { Caller, Callers } from './callers.ts';
import type { Database } from './database.ts';
import { toPage } from './pages.ts';

/** One event of the audit log, in the names of the Reports API's appendix of activities. */
export interface AuditEvent {
  readonly application: Application;
  readonly type: string;
  readonly name: string;
  /** A parameter without a value is left out. */
  readonly parameters: Readonly<Record<string, string | undefined>>;
}

export interface Activity extends AuditEvent {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly qualifier: string;
  readonly actor: Caller;
}

interface ActivityRow {
  readonly id: number;
  readonly application: Application;
  readonly time: number;
  readonly qualifier: string;
  readonly actorEmail: string;
  readonly actorId: string;
  readonly type: string;
  readonly name: string;
  /** As JSON. */
  readonly parameters: string;
}

export interface Activities {
  /** Writes an event down, inside the transaction of the change that it tells of; Google's own acts name their actor. */
  append(event: AuditEvent, actor?: Caller): Activity;
  /** One page, newest first. `userKey` is the actor's address or id, or `all`. */
  list(userKey: string, application: string, query: Record<string, string>): reports.Schema$Activities;
}

export interface ActivitiesDeps {
  readonly database: Database;
  readonly callers: Callers;
  readonly customerId: string;
  readonly now: () => number;
  readonly random: (size: number) => Uint8Array;
  /** How long the Reports API does not show a new activity yet. */
  readonly latenessMs: () => number;
}

/** Admin and login activities are kept for six months (support.google.com/a/answer/7061566). */
const keptMs = 180 * 24 * 60 * 60 * 1000;

export function createActivities({ database, callers, customerId, now, random, latenessMs }: ActivitiesDeps): Activities {
  database.run('DELETE FROM activities WHERE time < ?', now() - keptMs);

  return {
    append(event, actor = callers.current()) {
      const time = now();
      const qualifier = String(Buffer.from(random(8)).readBigInt64BE());
      database.run(
        `INSERT INTO activities (application, time, qualifier, visibleAt, actorEmail, actorId, type, name, parameters)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        ...[event.application, time, qualifier, time + latenessMs(), actor.email, actor.id, event.type, event.name],
        JSON.stringify(event.parameters),
      );
      return { ...event, time, qualifier, actor };
    },

    list(userKey, application, query) {
      const time = now();
      const { conditions, values, size } = readActivityQuery(userKey, application, query, time);
      const rows = database.all<ActivityRow>(
        `SELECT * FROM activities WHERE ${conditions.join(' AND ')} ORDER BY time DESC, id DESC LIMIT ?`,
        ...values,
        size + 1,
      );
      const { rows: shown, ...next } = toPage(rows, size, (row) => `${row.time} ${row.id}`, time);
      return withEtag({
        kind: 'admin#reports#activities',
        ...unlessEmpty(
          'items',
          shown.map((row) => toActivity(row, customerId)),
        ),
        ...next,
      });
    },
  };
}

function toActivity(row: ActivityRow, customerId: string): reports.Schema$Activity {
  const parameters = Object.entries(JSON.parse(row.parameters) as Record<string, string>);
  return withEtag({
    kind: 'admin#reports#activity',
    id: {
      time: new Date(row.time).toISOString(),
      uniqueQualifier: row.qualifier,
      applicationName: row.application,
      customerId,
    },
    actor: { callerType: 'USER', email: row.actorEmail, profileId: row.actorId },
    events: [{ type: row.type, name: row.name, parameters: parameters.map(([name, value]) => ({ name, value })) }],
  });
}
