import type { ActionName } from '../actions.ts';
import { agentHandlers } from './agent.ts';
import { bulkHandlers } from './bulk.ts';
import { careHandlers } from './care.ts';
import { costHandlers } from './costs.ts';
import { approvalHandlers } from './approvals.ts';
import { auditHandlers } from './audit.ts';
import { homeHandlers } from './home.ts';
import { planHandlers } from './plans.ts';
import { policyHandlers } from './policies.ts';
import { settingsHandlers } from './settings.ts';
import type { HandlersOf } from './surroundings.ts';

/** What answers each action. An area adds its own here. */
export const handlers: HandlersOf<ActionName> = {
  ...homeHandlers,
  ...agentHandlers,
  ...careHandlers,
  ...bulkHandlers,
  ...costHandlers,
  ...policyHandlers,
  ...planHandlers,
  ...approvalHandlers,
  ...auditHandlers,
  ...settingsHandlers,
};
