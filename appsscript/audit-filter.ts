/** Which rows of the audit log a list shows; travels in clicks as JSON. `since` is ISO 8601. */
export interface AuditFilter {
  readonly user?: string;
  /** An owner\u2019s address or an agent\u2019s id, as it was typed. */
  readonly agent?: string;
  readonly agentId?: string;
  readonly action?: string;
  readonly since?: string;
}

/** How actions begin, as the filter offers them. */
export const actionFamilies = {
  'user.': 'Changes for one person: model, budget, tools',
  'agent.': 'Agents: created, paused, removed',
  'agent.restart': 'Restarts only',
  'agent.pause': 'Pauses only',
  'agent.rotate': 'Secret rotations only',
  'command.': 'Tasks of machines',
  'operation.': 'Work on many agents',
  'plan.': 'Plans applied or denied',
  'plane.': 'Policies and settings',
  'approval.': 'Approvals of many agents',
  'request.': 'Requests decided',
  'capability.': 'Requests from agents',
  'grant.': 'What was granted beyond policy',
  'access.': 'Access refused',
  'backup.': 'Backups',
  'drift.': 'Drift corrected',
  'budget.': 'Budgets: changes, warnings and stops',
  'model.': 'Model calls',
  'mail.': 'Mail',
  'cost.': 'Cost reports',
  'audit.': 'The audit log itself',
  'effect.': 'Technical steps',
} as const;

const hourMs = 3_600_000;
export const periods = {
  any: ['Any time', undefined],
  hour: ['The last hour', hourMs],
  day: ['The last 24 hours', 24 * hourMs],
  week: ['The last 7 days', 7 * 24 * hourMs],
  month: ['The last 30 days', 30 * 24 * hourMs],
  quarter: ['The last 90 days', 90 * 24 * hourMs],
} as const;

const isKey = <K extends string>(table: Readonly<Record<K, unknown>>, key: string): key is K => Object.keys(table).includes(key);

export const isAgentId = (text: string): boolean => /^a[a-z2-7]{15}$/.test(text);
export const isAddress = (text: string): boolean => /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text);

/** Of form fields; what says nothing is left out. */
export function toAuditFilter(user: string, agent: string, action: string, period: string, nowMs: number): AuditFilter {
  const [, spanMs] = isKey(periods, period) ? periods[period] : periods.any;
  return {
    ...(user === '' ? {} : { user }),
    ...(agent === '' ? {} : { agent, ...(isAgentId(agent) ? { agentId: agent } : {}) }),
    ...(isKey(actionFamilies, action) ? { action } : {}),
    ...(spanMs === undefined ? {} : { since: new Date(nowMs - spanMs).toISOString() }),
  };
}

/** Of what a click carried. */
export function parseAuditFilter(json: string): AuditFilter {
  const said: unknown = JSON.parse(json || '{}');
  if (typeof said !== 'object' || said === null) return {};
  const names = ['user', 'agent', 'agentId', 'action', 'since'] as const;
  return Object.fromEntries(
    names.flatMap((name) => {
      const value: unknown = Reflect.get(said, name);
      return typeof value === 'string' ? [[name, value]] : [];
    }),
  );
}
