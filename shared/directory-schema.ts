import { budgetCapSchema, channelSchema, modelTierSchema, toolSchema, type Channel, type ModelTier, type Tool } from './agent.ts';
import { toProblems, type Problem } from './problem.ts';
import type { z } from 'zod';

export const directorySchemaName = 'OpenClaw_Agent';

/** The custom user schema of REQUIREMENTS §2.5.3: requests are written by admins, the rest is published by the plane. */
export const directorySchema = {
  schemaName: directorySchemaName,
  displayName: 'OpenClaw Agent',
  fields: [
    { fieldName: 'agentEnabled', displayName: 'Agent enabled', fieldType: 'BOOL' },
    { fieldName: 'agentId', displayName: 'Agent id (published)', fieldType: 'STRING' },
    { fieldName: 'modelTier', displayName: 'Model tier', fieldType: 'STRING' },
    { fieldName: 'budgetCap', displayName: 'Budget cap, US dollars a month', fieldType: 'INT64' },
    { fieldName: 'toolAllowlist', displayName: 'Tools, comma-separated', fieldType: 'STRING' },
    { fieldName: 'channelRestrictions', displayName: 'Channels, comma-separated', fieldType: 'STRING' },
    { fieldName: 'agentStatus', displayName: 'Agent status (published)', fieldType: 'STRING' },
    { fieldName: 'lastHeartbeat', displayName: 'Last heartbeat (published)', fieldType: 'STRING' },
  ],
} as const;

/** The fields in which admins ask for something. */
export const requestFields = ['agentEnabled', 'modelTier', 'budgetCap', 'toolAllowlist', 'channelRestrictions'] as const;
export type RequestField = (typeof requestFields)[number];

/** What an admin asks for on a user, read and valid. An absent field inherits from policy. */
export interface UserRequests {
  readonly agentEnabled?: boolean;
  readonly modelTier?: ModelTier;
  readonly budgetCap?: number;
  readonly tools?: readonly Tool[];
  readonly channels?: readonly Channel[];
}

/** The Directory field in which each request is written. */
export const requestFieldOf = {
  agentEnabled: 'agentEnabled',
  modelTier: 'modelTier',
  budgetCap: 'budgetCap',
  tools: 'toolAllowlist',
  channels: 'channelRestrictions',
} as const satisfies Record<keyof UserRequests, RequestField>;

export interface ReadRequests {
  readonly requests: UserRequests;
  readonly problems: readonly Problem[];
  /** Field names of `requests` whose Directory value could not be read: the last good value stays for these. */
  readonly unreadable: readonly (keyof UserRequests)[];
}

/** `invalid`: cannot be read; `clamped`: a limit took some of it away; `locked`: nothing else can be asked for here. */
export const noteKinds = ['invalid', 'clamped', 'locked'] as const;

/** What an admin should know beside one field of the user page. */
export interface FieldNote {
  readonly field: RequestField;
  readonly message: string;
  readonly kind: (typeof noteKinds)[number];
}

/** A single custom STRING holds at most 500 characters (Directory API, manage-schemas, read 2026-11-22). */
const longestString = 500;

/** Reads the custom fields of one user as the Directory gives them (INT64 arrives as a string; blank means inherit). */
export function readRequests(raw: Readonly<Record<string, unknown>> | undefined): ReadRequests {
  const requests: { -readonly [K in keyof UserRequests]: UserRequests[K] } = {};
  const problems: Problem[] = [];
  const unreadable: (keyof UserRequests)[] = [];
  const text = (name: string): string | undefined => {
    const value = raw?.[name];
    if (value === undefined || value === null) return undefined;
    return (typeof value === 'string' ? value : JSON.stringify(value)).trim() || undefined;
  };
  const take = <K extends keyof UserRequests>(
    key: K,
    name: string,
    value: unknown,
    schema: z.ZodType<NonNullable<UserRequests[K]>>,
    shown: unknown = value,
  ) => {
    const result = schema.safeParse(value);
    if (result.success) {
      requests[key] = result.data;
      return;
    }
    unreadable.push(key);
    problems.push(
      ...toProblems(result.error, shown).map(({ path, ...rest }) => ({ ...rest, path: path === '(document)' ? name : `${name}${path}` })),
    );
  };
  const takeList = <K extends 'tools' | 'channels'>(key: K, name: string, schema: z.ZodType<NonNullable<UserRequests[K]>>) => {
    const value = text(name);
    if (value === undefined) return;
    if (value.length > longestString) {
      unreadable.push(key);
      problems.push({ path: name, found: `${value.length} characters`, allowed: `at most ${longestString}` });
      return;
    }
    take(
      key,
      name,
      [
        ...new Set(
          value
            .split(',')
            .map((item) => item.trim())
            .filter(Boolean),
        ),
      ],
      schema,
    );
  };

  const enabled = raw?.['agentEnabled'];
  if (typeof enabled === 'boolean') requests.agentEnabled = enabled;
  const tier = text('modelTier');
  if (tier !== undefined) take('modelTier', 'modelTier', tier.toLowerCase(), modelTierSchema, tier);
  const budget = text('budgetCap');
  if (budget !== undefined) take('budgetCap', 'budgetCap', /^-?\d+$/.test(budget) ? Number(budget) : budget, budgetCapSchema);
  takeList('tools', 'toolAllowlist', toolSchema.array());
  takeList('channels', 'channelRestrictions', channelSchema.array());
  return { requests, problems, unreadable };
}
