import type { PlannedAgent, PlanView } from '../../shared/contract.ts';
import { fieldNames, toButton } from '../actions.ts';
import type { Button, Card, Section, Widget } from '../card.ts';
import { toScopeTitle } from '../layers.ts';
import type { Reader } from '../reader.ts';
import { escapeHtml, toAgents, toBudget, toColored, toFieldTitle, toName, toNames, toShort, type Color } from '../words.ts';
import { confirmCard } from './confirm.ts';
import { messageSection, type Message } from './message.ts';
import { buttonRow, fact, paragraph, sectionOf, warning } from './rows.ts';

const stateWords = {
  ready: ['Not applied yet', 'grey'],
  waiting: ['Waiting for a second person', 'amber'],
  applied: ['Applied', 'green'],
  denied: ['Denied', 'red'],
  stale: ['Out of date: something else changed', 'amber'],
} as const satisfies Record<PlanView['state'], readonly [string, Color]>;

type Value = PlannedAgent['fields'][number]['from'];

function show(value: Value, { formats }: Reader): string {
  if (value === null) return 'nothing';
  if (typeof value === 'number') return toBudget(value, formats);
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  return typeof value === 'string' ? toName(value) : toNames(value);
}

const effects = { create: 'Gets an agent', remove: 'Loses the agent', change: 'Changes' } as const;

const agentWidget = ({ ownerName, ownerEmail, effect, fields, notes }: PlannedAgent, reader: Reader): Widget => ({
  decoratedText: {
    topLabel: ownerEmail,
    text: `${escapeHtml(ownerName)}: ${effects[effect].toLowerCase()}`,
    bottomLabel: [
      ...fields.map(({ field, from, to }) => `${toFieldTitle(field)}: ${show(from, reader)} \u2192 ${show(to, reader)}.`),
      ...notes,
    ].join(' '),
    wrapText: true,
  },
});

/** How many people a plan names on its card; the CLI names all. */
const mostAgents = 20;
const most = 10;

const signed = (usd: number, { formats }: Reader): string =>
  usd === 0 ? 'No change' : `${usd > 0 ? '+' : ''}${formats.money(usd)} a month`;

type Kind = PlanView['kind'];
const titles: Readonly<Record<Kind, string>> = {
  definition: 'Change to the plane',
  policies: 'Order of policies',
  policy: 'Policy change',
  tier: 'Move to another model',
  user: 'Change for one person',
};
export const toPlanTitle = (kind: Kind): string => titles[kind];

/** Where a plan came from. */
const backOf = ({ kind, state, createdBy }: PlanView, { email }: Reader): Button => {
  if (state === 'waiting' && createdBy !== email) return toButton('Back', 'showApprovals', {});
  return kind === 'tier' ? toButton('Back', 'showBulk', {}) : toButton('Back', 'showPolicies', {});
};

/** What becomes of a plan that waits: its maker may take it back, and somebody else has the say. */
function decision({ id, state, createdBy }: PlanView, { admin, wholeCompany, email }: Reader): Section[] {
  if (state !== 'waiting') return [];
  if (!admin || !wholeCompany) return [{ widgets: [paragraph('An Agent Admin of the whole company decides it.')] }];
  const own = createdBy === email;
  return [
    {
      header: own ? 'You asked for it' : 'Your decision',
      widgets: [
        ...(own ? [paragraph('Somebody else has to approve it.')] : []),
        { textInput: { name: fieldNames.reason, label: 'Reason', hintText: 'Optional; kept in the audit log' } },
        ...buttonRow(
          own ? undefined : toButton('Approve', 'decidePlan', { id, decision: 'approve' }, { type: 'FILLED' }),
          toButton(own ? 'Take it back' : 'Deny', 'decidePlan', { id, decision: 'deny' }, { type: 'OUTLINED' }),
        ),
      ],
    },
  ];
}

function history({ createdAt, createdBy, decidedAt, decidedBy, reason, state }: PlanView, { formats }: Reader): Section {
  const [words, color] = stateWords[state];
  return {
    widgets: [
      {
        decoratedText: {
          topLabel: 'Plan',
          text: toColored(words, color),
          bottomLabel: `Made by ${createdBy}, ${formats.ago(createdAt).toLowerCase()}`,
          wrapText: true,
        },
      },
      ...(decidedAt === null
        ? []
        : [
            fact(
              'Decided',
              `${formats.when(decidedAt)} by ${decidedBy ?? 'nobody'}`,
              reason === null ? {} : { bottomLabel: `Reason: ${reason}` },
            ),
          ]),
    ],
  };
}

const toWrittenWords = (value: unknown): string => {
  if (value === null || value === undefined) return 'not set';
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (typeof value === 'string') return toShort(toName(value), 120);
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? toNames(value) : toShort(JSON.stringify(value), 120);
};

/** `spec.policies[ou:/Sales].tools` as `/Sales: Tools`. */
function toPathWords(path: string): string {
  const [, match = '', field = ''] = /^spec\.policies\[(.+)\]\.([^\]]+)$/.exec(path) ?? [];
  const scope = match === 'organization' ? 'all' : match;
  return toShort(field === '' ? path : `${toScopeTitle(scope)}: ${toFieldTitle(field)}`);
}

const definitionSection = ({ definition, kind }: PlanView): Section[] =>
  kind === 'tier'
    ? []
    : sectionOf(
        'What is saved',
        definition
          .slice(0, most)
          .map(({ path, from, to }) => fact(toPathWords(path), `${toWrittenWords(from)} \u2192 ${toWrittenWords(to)}`)),
        { collapsible: true, uncollapsibleWidgetsCount: 0 },
      );

const forLater = 'No agent of today changes. It holds for whoever gets an agent from now on; what is saved stands below.';

/** What a change would do, before it does it. */
export function planCard(plan: PlanView, reader: Reader, notice?: Message): Card {
  const { id, kind, state, counts, sentences, refusals, warnings, needsApproval, agents, budgetDeltaUsd, machineDeltaUsd } = plan;
  const left = counts.agents - Math.min(agents.length, mostAgents);
  const open = state === 'ready' && refusals.length === 0 && counts.agents + plan.definition.length > 0;
  const back = backOf(plan, reader);
  const apply =
    counts.removes > 0
      ? toButton(needsApproval ? 'Ask for approval' : 'Apply', 'askApply', { id }, { type: 'FILLED' })
      : toButton(needsApproval ? 'Ask for approval' : 'Apply', 'applyPlan', { id, removals: '0' }, { type: 'FILLED' });
  return {
    name: 'plan',
    header: { title: titles[kind], subtitle: toAgents(counts.agents, reader.formats) },
    sections: [
      ...(notice ? [messageSection(notice)] : []),
      history(plan, reader),
      {
        header: state === 'applied' ? 'What changed' : 'What would change',
        widgets: [
          ...(counts.agents === 0
            ? [paragraph(plan.definition.length === 0 ? 'Nothing changes.' : forLater)]
            : sentences.slice(0, most).map(toSentence).map(paragraph)),
          fact('All budgets together', signed(budgetDeltaUsd, reader), {
            ...(machineDeltaUsd === null || machineDeltaUsd === 0 ? {} : { bottomLabel: `Machines: ${signed(machineDeltaUsd, reader)}` }),
          }),
          ...(needsApproval && state === 'ready' ? [paragraph('Somebody else has to approve it before it happens.')] : []),
        ],
      },
      ...decision(plan, reader),
      ...sectionOf(
        'Cannot be applied',
        refusals.slice(0, most).map((text) => warning('Refused', text)),
      ),
      ...sectionOf(
        'Please note',
        warnings.slice(0, most).map((text) => warning('Warning', text)),
      ),
      ...sectionOf('Who is affected', [
        ...agents.slice(0, mostAgents).map((agent) => agentWidget(agent, reader)),
        ...(left > 0 ? [paragraph(`And ${toAgents(left, reader.formats)} more.`)] : []),
      ]),
      ...definitionSection(plan),
    ],
    fixedFooter: open && reader.admin && reader.wholeCompany ? { primaryButton: apply, secondaryButton: back } : { primaryButton: back },
  };
}

const toSentence = (sentence: string): string => `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.`.replace(/\.\.$/, '.');

/** Agents go with it, so it is asked once more. Where they are gone meanwhile, the plan says how things stand. */
export function askApplyCard(plan: PlanView, reader: Reader, notice?: Message): Card {
  const { id, state, counts, agents, needsApproval } = plan;
  if (state !== 'ready' || counts.removes === 0) return planCard(plan, reader, notice);
  const names = agents.filter(({ effect }) => effect === 'remove').map(({ ownerEmail }) => ownerEmail);
  const named = names.slice(0, mostAgents).join(', ');
  const gone = toAgents(counts.removes, reader.formats);
  return confirmCard({
    name: 'plan',
    title: `Remove ${gone}?`,
    subtitle: titles[plan.kind],
    does: [
      'Access ends at once; then their machines and secrets are deleted.',
      ...(named === '' ? [] : [`That is ${named}${counts.removes > mostAgents ? ' and more' : ''}.`]),
      'The last backup of each is kept as long as the plane is set to, and is brought back only when an admin says so.',
      ...(needsApproval ? ['A second person has to approve it first.'] : []),
    ],
    yes: toButton(
      needsApproval ? 'Ask for approval' : `Apply and remove ${gone}`,
      'applyPlan',
      { id, removals: String(counts.removes) },
      { type: 'FILLED' },
    ),
    no: toButton('Back', 'showPlan', { id }),
  });
}
