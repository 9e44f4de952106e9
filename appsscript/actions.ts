import type { Action, Button, OnClick } from './card.ts';

type Nothing = Readonly<Record<never, string>>;

/**
 * Everything a click can ask for, with the parameters it carries (Apps Script passes strings alone). `back` is a list of cursors and
 * `filter` a filter, both as JSON; `user` is a directory id, `name` is for people.
 */
export interface Actions {
  readonly home: { readonly filter: string; readonly cursor: string; readonly back: string };
  readonly findPeople: Nothing;
  readonly openFilter: { readonly filter: string };
  readonly applyFilter: Nothing;

  readonly openUser: { readonly user: string };
  readonly showUser: { readonly user: string };
  readonly switchAgent: { readonly user: string };
  readonly switchOff: { readonly user: string };
  readonly askVerb: { readonly user: string; readonly verb: string };
  readonly doVerb: { readonly user: string; readonly agentId: string; readonly verb: string };
  readonly whyField: { readonly user: string; readonly field: string };
  readonly editField: { readonly user: string; readonly field: string };
  /** `was`: what the form showed first, as JSON. */
  readonly saveField: { readonly user: string; readonly field: string; readonly was: string };
  readonly inheritField: { readonly user: string; readonly field: string };
  readonly inheritOff: { readonly user: string };
  readonly openBackups: { readonly agentId: string };
  readonly showBackups: { readonly agentId: string };
  readonly askRestore: { readonly agentId: string; readonly backup: string };
  readonly restore: { readonly agentId: string; readonly backup: string };
  readonly openSecrets: { readonly agentId: string };
  readonly openReceipt: { readonly agentId: string; readonly user: string };
  readonly openHistory: { readonly agentId: string; readonly name: string };
  readonly showHistory: { readonly agentId: string; readonly name: string; readonly cursor: string; readonly back: string };

  readonly openBulk: Nothing;
  readonly showBulk: Nothing;
  readonly planWork: Nothing;
  readonly startWork: { readonly work: string; readonly scope: string };
  readonly openOperation: { readonly id: string };
  readonly showOperation: { readonly id: string };
  readonly cancelOperation: { readonly id: string };
  readonly resumeOperation: { readonly id: string };
  readonly planTier: Nothing;
  readonly openCosts: Nothing;
  readonly showCosts: Nothing;
  readonly downloadCosts: { readonly by: string; readonly period: string };

  readonly openPolicies: Nothing;
  readonly showPolicies: Nothing;
  readonly openLayer: { readonly scope: string };
  readonly chooseUnit: Nothing;
  readonly chooseGroup: Nothing;
  readonly planLayer: { readonly scope: string; readonly revision: string };
  readonly planNoLayer: { readonly scope: string; readonly revision: string };
  readonly planMove: { readonly scope: string; readonly by: string; readonly revision: string };
  readonly openPlan: { readonly id: string };
  readonly showPlan: { readonly id: string };
  readonly askApply: { readonly id: string };
  readonly applyPlan: { readonly id: string; readonly removals: string };
  readonly decidePlan: { readonly id: string; readonly decision: string };

  readonly openApprovals: Nothing;
  readonly showApprovals: Nothing;
  readonly openRequest: { readonly id: string };
  readonly decideRequest: { readonly id: string; readonly decision: string };
  readonly openFlips: { readonly id: string };
  readonly decideFlips: { readonly id: string; readonly decision: string };

  readonly openAudit: Nothing;
  readonly showAudit: { readonly filter: string; readonly cursor: string; readonly back: string };
  readonly filterAudit: Nothing;
  readonly verifyAudit: { readonly filter: string };

  readonly openSettings: Nothing;
  readonly showSettings: Nothing;
}
export type ActionName = keyof Actions;

/** Names of form fields. */
export const fieldNames = {
  search: 'search',
  enabled: 'enabled',
  ou: 'ou',
  group: 'group',
  phase: 'phase',
  health: 'health',
  attention: 'attention',
  value: 'value',
  reason: 'reason',
  version: 'version',
  acceptLoss: 'acceptLoss',
  work: 'work',
  scope: 'scope',
  tierScope: 'tierScope',
  from: 'from',
  to: 'to',
  by: 'by',
  period: 'period',
  who: 'who',
  agent: 'agent',
  action: 'action',
} as const;

export function toAction<K extends ActionName>(name: K, parameters: Actions[K]): Action {
  return {
    function: 'onAction',
    parameters: [{ key: 'do', value: name }, ...Object.entries<string>(parameters).map(([key, value]) => ({ key, value }))],
    loadIndicator: 'SPINNER',
  };
}

export const toClick = <K extends ActionName>(name: K, parameters: Actions[K]): OnClick => ({ action: toAction(name, parameters) });

type Look = Pick<Button, 'type' | 'disabled' | 'altText'>;

export const toButton = <K extends ActionName>(text: string, name: K, parameters: Actions[K], look: Look = {}): Button => ({
  text,
  ...look,
  onClick: toClick(name, parameters),
});

/** A button whose action answers with a link to open. */
export const toLinkButton = <K extends ActionName>(text: string, name: K, parameters: Actions[K], look: Look = {}): Button => ({
  text,
  ...look,
  onClick: { openDynamicLinkAction: toAction(name, parameters) },
});
