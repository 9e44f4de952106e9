import { PlaneError } from '../../functions/core/errors.ts';
import type { Activity, IdentityProvider, UserIdentity } from '../../functions/core/providers.ts';
import type { Ctx } from '../../functions/core/surroundings.ts';
import { deadlineOf } from './clock.ts';
import { toIdentity, type Company } from './directory-company.ts';
import type { Signals } from './directory-signals.ts';
import { alive, countEffect, die, never, resume, type Session, type Stage } from './session.ts';

/** What can go wrong with reading the directory, each as a probability. */
export interface DirectoryFaults {
  /** A call is refused: of a listing, any page of it. */
  readonly error: number;
  /** Never answered: rejects when its deadline has passed. */
  readonly hang: number;
  /** Shows an old state. */
  readonly stale: number;
  readonly slow: number;
}
export const noDirectoryFaults: DirectoryFaults = { error: 0, hang: 0, stale: 0, slow: 0 };

/** How old answers may be, in milliseconds. */
const lagMs = { user: 9_000, listing: 60_000 } as const;
const entriesOnAPage = 4;

export interface DirectoryStage {
  faults: DirectoryFaults;
  /** Every call is refused until then. */
  outUntil: number;
  reads: number;
}

export interface DirectoryPortDeps {
  readonly stage: Stage;
  readonly directory: DirectoryStage;
  readonly company: Company;
  readonly signals: Signals;
  readonly pageSize: number;
  readonly decidingGroups: () => Promise<readonly string[]>;
  readonly onAnswer: (session: Session, userId: string, answer: UserIdentity | undefined) => void;
}

/** The directory as one run of one process sees it. */
export function createDirectoryPort(session: Session, deps: DirectoryPortDeps): IdentityProvider {
  const { stage, directory, company, signals, pageSize, decidingGroups, onAnswer } = deps;
  const { clock, random, tally } = stage;

  function call<T>(name: string, ctx: Ctx, lag: number, show: (at: number) => T): Promise<T> {
    if (!alive(session)) return never();
    const deadline = deadlineOf(ctx.signal);
    const timeout = new PlaneError('timeout', `cannot ${name}: no answer before the deadline`);
    if (ctx.signal.aborted) return Promise.reject(timeout);
    directory.reads += 1;
    return new Promise((resolve, reject) => {
      const { error, hang, stale, slow } = directory.faults;
      const at = clock.now() + (random.chance(slow) ? random.between(500, 20_000) : random.between(5, 150));
      const dice = random.next();
      if (dice < hang || at > deadline) {
        tally.faults += 1;
        resume(stage, session, deadline, () => reject(timeout));
      } else if (dice < hang + error || directory.outUntil > clock.now()) {
        tally.faults += 1;
        resume(stage, session, at, () => reject(new PlaneError('unavailable', `cannot ${name}: 503`)));
      } else {
        resume(stage, session, at, () => resolve(show(random.chance(stale) ? clock.now() - random.between(0, lag) : clock.now())));
      }
    });
  }

  async function groupsOf(id: string, ctx: Ctx): Promise<string[]> {
    const member = await Promise.all(
      (await decidingGroups()).map((name) =>
        call('ask a group', ctx, lagMs.user, (at) => (company.membersAt(name, at)?.includes(id) ? [name] : [])),
      ),
    );
    return member.flat();
  }

  const refuse = (): Promise<never> => Promise.reject(new Error('the intake does not call this'));
  const byEmail = (a: { email: string }, b: { email: string }): number => (a.email < b.email ? -1 : 1);

  return {
    name: 'simulated',
    authenticate: refuse,
    rolesOf: refuse,
    listOrgUnits: refuse,
    searchUsers: refuse,
    examine: refuse,
    writeRequests: refuse,
    async resolveUser(key, ctx) {
      const person = await call('read a user', ctx, lagMs.user, (at) =>
        key.includes('@') ? company.byEmail(key, at) : company.personAt(key, at),
      );
      if (!person || person.deleted) {
        if (!key.includes('@')) onAnswer(session, key, undefined);
        return undefined;
      }
      const bare = toIdentity(person, []);
      const identity = bare.active ? { ...bare, groups: await groupsOf(person.id, ctx) } : bare;
      onAnswer(session, person.id, identity);
      return identity;
    },
    listUsers: () => {
      throw new Error('the intake does not call this');
    },
    listPage: ({ token = '', deleted = false }, ctx) =>
      call('list users', ctx, lagMs.listing, (at) => {
        const all = company.everybody(at).filter((person) => person.deleted === deleted && person.email > token);
        const page = all.toSorted(byEmail).slice(0, pageSize);
        const last = page.at(-1);
        return { users: page.map((person) => toIdentity(person, [])), ...(all.length > pageSize && last ? { next: last.email } : {}) };
      }),
    membersOf: async (group, ctx) => {
      const answer = await call('list members', ctx, lagMs.user, (at) => company.membersAt(group, at));
      // The pages after the first are asked for, too: all or nothing.
      for (let pages = Math.ceil((answer?.length ?? 0) / pageSize); pages > 1; pages -= 1)
        await call('list members', ctx, 0, () => undefined);
      return answer;
    },
    async *activities(application, since, ctx): AsyncIterable<Activity> {
      const began = clock.now();
      const shown = signals.entriesSince(application, since);
      for (let from = 0; from === 0 || from < shown.length; from += entriesOnAPage) {
        yield* await call('read the audit log', ctx, 0, () => shown.slice(from, from + entriesOnAPage).filter(({ at }) => at <= began));
      }
    },
    watchEvents: ({ id, ttlMs }, ctx) => call('watch users', ctx, 0, () => signals.open(id, clock.now() + ttlMs)),
    stopWatching: ({ id }, ctx) => call('stop a channel', ctx, 0, () => signals.close(id)),
    async publish(userId, fields, _kind, ctx) {
      if (directory.faults.error > 0 && random.chance(directory.faults.error)) return 10_000;
      const side = countEffect(stage, session, 'directory.publish');
      if (side === 'before') {
        die(stage, session.worker, side);
        return never();
      }
      const write = (): void => {
        const person = company.personAt(userId);
        if (!person || person.deleted) return;
        company.put({ ...person, fields: { ...person.fields, ...fields } });
        signals.push(userId, 'update');
        signals.entry('admin', 'CHANGE_USER_CUSTOM_FIELD', { USER_EMAIL: person.email }, 'plane@acme.test');
      };
      // What is refused may have happened all the same.
      if (random.chance(directory.faults.error / 2)) write();
      await call('publish', ctx, 0, write);
      if (side === 'after') {
        die(stage, session.worker, side);
        return never();
      }
      return undefined;
    },
  };
}
