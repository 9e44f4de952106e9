import { z } from 'zod';
import type { Changes } from './changes.ts';
import type { Database } from './database.ts';
import { applicationSchema, toggleSchema, type Marketplace } from './marketplace.ts';
import { getUser } from './user-records.ts';

/** Why Google suspends by itself; each has a login event of its own (reports appendix login). */
const suspensions = ['generic', 'hijacked', 'password_leak', 'spamming', 'spamming_through_relay'] as const;

/** What only the Admin console or Google itself does, and no API. */
export const actionSchema = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('toggleService'), ...toggleSchema.shape }),
  z.strictObject({ action: z.literal('addApplication'), ...applicationSchema.shape }),
  z.strictObject({ action: z.literal('removeApplication'), ...applicationSchema.shape }),
  z.strictObject({ action: z.literal('suspendByGoogle'), userKey: z.string().min(1), reason: z.enum(suspensions).default('generic') }),
]);
export type ConsoleAction = z.input<typeof actionSchema>;

export interface ConsoleActionsDeps {
  readonly database: Database;
  readonly changes: Changes;
  readonly marketplace: Marketplace;
  readonly now: () => number;
}

/** Does one of them; throws a ZodError for what it does not know. */
export function createConsoleActions({ database, changes, marketplace, now }: ConsoleActionsDeps): (body: ConsoleAction) => void {
  const suspend = (userKey: string, reason: string) =>
    changes.commit(({ announce, record }) => {
      const user = getUser(database, userKey);
      if (user.suspended === 1) return;
      database.run("UPDATE users SET suspended = 1, suspendedAt = ?, suspensionReason = 'ABUSE' WHERE id = ?", now(), user.id);
      announce('update', user);
      const event = { application: 'login', type: 'account_warning', name: `account_disabled_${reason}` } as const;
      // In the login log the actor is the account itself; the admin log stays silent.
      record({ ...event, parameters: { affected_email_address: user.email } }, { email: user.email, id: user.id });
    });

  return (body) => {
    const { action, ...asked } = actionSchema.parse(body);
    switch (action) {
      case 'toggleService':
        return marketplace.toggle(toggleSchema.parse(asked));
      case 'addApplication':
        return marketplace.add(applicationSchema.parse(asked));
      case 'removeApplication':
        return marketplace.remove(applicationSchema.parse(asked));
      case 'suspendByGoogle': {
        const { userKey, reason } = z.object({ userKey: z.string(), reason: z.string() }).parse(asked);
        return suspend(userKey, reason);
      }
    }
  };
}
