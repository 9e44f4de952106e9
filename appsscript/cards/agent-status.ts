import type { AgentView, UserView } from '../../shared/contract.ts';
import { toPartWords } from '../audit-words.ts';
import type { Section, Widget } from '../card.ts';
import type { Reader } from '../reader.ts';
import {
  escapeHtml,
  toBudget,
  toBudgetBar,
  toColored,
  toConditionTitle,
  toOriginWords,
  toReasonWords,
  toShort,
  toStatus,
} from '../words.ts';
import { fact, sectionOf, warning } from './rows.ts';

/** `machine: booting`, with the part as an admin would call it. */
const toStepWords = (detail: string | null): string =>
  detail === null
    ? ''
    : detail.replace(/^(\w+): /, (_all, part: string) => `${toShort(toPartWords(part))}: `).replace(/^./, (first) => first.toUpperCase());

/** What goes on and how long it takes: a panel beside Gmail does not move by itself. */
function toNote({ phase, detail, paused }: AgentView, { formats }: Reader): { bottomLabel?: string } {
  const refresh = 'Press Refresh for the latest.';
  switch (phase) {
    case 'pending':
    case 'provisioning':
      return { bottomLabel: [toStepWords(detail), `This takes about half a minute. ${refresh}`].filter(Boolean).join('. ') };
    case 'removing':
      return { bottomLabel: `Access is gone already; the rest takes some seconds. ${refresh}` };
    case 'removed':
      return { bottomLabel: `${detail ? `${toReasonWords(detail)}. ` : ''}A signed receipt proves that nothing is left.` };
    case 'paused':
      return paused ? { bottomLabel: `By ${paused.by}, ${formats.ago(paused.at).toLowerCase()}: ${paused.reason}` } : {};
    case 'running':
      return detail === null ? {} : { bottomLabel: detail };
  }
}

const careSteps = {
  backup: 'Backing up',
  replace: 'Making a fresh machine',
  restore: 'Bringing memory back',
  swap: 'Changing the version',
  gate: 'Trying a prompt',
} as const;

/** A fresh machine or another version on its way, and how the last one came out where that was badly. */
function careRows({ reprovision, upgrade }: AgentView, { formats }: Reader): Widget[] {
  const row = (
    what: string,
    step: string,
    startedAt: string,
    failure: string | null,
    steps: readonly (keyof typeof careSteps)[],
  ): Widget[] => {
    if (failure !== null || step === 'failed' || step === 'rolledBack') {
      return [
        warning(step === 'rolledBack' ? `${what} was rolled back` : `${what} failed`, failure ?? `Started ${formats.when(startedAt)}.`),
      ];
    }
    const at = steps.findIndex((name) => name === step);
    const name = steps[at];
    if (name === undefined) return [];
    return [
      fact(what, `${careSteps[name]} (step ${String(at + 1)} of ${String(steps.length)})`, {
        bottomLabel: `Started ${formats.ago(startedAt).toLowerCase()}. Press Refresh for the latest.`,
      }),
    ];
  };
  return [
    ...(reprovision
      ? row('Fresh machine', reprovision.step, reprovision.startedAt, reprovision.failure, ['backup', 'replace', 'restore'])
      : []),
    ...(upgrade ? row(`Upgrade to ${upgrade.to}`, upgrade.step, upgrade.startedAt, upgrade.failure, ['backup', 'swap', 'gate']) : []),
  ];
}

export function statusWidgets(agent: AgentView, reader: Reader): Widget[] {
  const { formats } = reader;
  const { words, color } = toStatus(agent);
  const heartbeat = agent.lastHeartbeat;
  return [
    { decoratedText: { topLabel: 'Status', text: toColored(words, color), ...toNote(agent, reader), wrapText: true } },
    ...careRows(agent, reader),
    ...(agent.phase === 'removed' || (heartbeat === null && agent.phase !== 'running')
      ? []
      : [fact('Last heartbeat', formats.ago(heartbeat), heartbeat === null ? {} : { bottomLabel: formats.when(heartbeat) })]),
  ];
}

export function usageSection({ budget, usage, phase }: AgentView, { formats }: Reader): Section {
  const reserved = budget.reservedUsd > 0 ? `${formats.money(budget.reservedUsd)} set aside for answers under way. ` : '';
  return {
    header: phase === 'removed' ? 'What it used this month' : 'Use this month',
    widgets: [
      {
        decoratedText: {
          topLabel: 'Cost this month',
          text: `${escapeHtml(`${formats.money(budget.spentUsd)} of ${toBudget(budget.capUsd, formats)}`)}<br>${toBudgetBar(budget, formats)}`,
          bottomLabel: `${reserved}Model calls only; machine costs are in the cost report.`,
          wrapText: true,
        },
      },
      fact('Model calls', formats.count(usage.calls), {
        bottomLabel: `Tokens: ${formats.count(usage.inputTokens)} read, ${formats.count(usage.outputTokens)} written`,
      }),
    ],
  };
}

/** Nobody reads more than a few of these, and a card holds a hundred widgets. */
const mostProblems = 10;

export function attention({ agent, problems }: UserView): Section[] {
  const conditions = agent?.conditions ?? [];
  const unsaid = problems.filter((problem) => !conditions.some(({ message }) => message.includes(problem)));
  const rows = [
    ...conditions.map(({ type, message }) => warning(toConditionTitle(type), message)),
    ...unsaid.map((message) => warning(toConditionTitle('InvalidSpec'), message)),
  ];
  return sectionOf('Needs attention', rows.slice(0, mostProblems));
}

export const details = (agent: AgentView, { formats }: Reader): Section => ({
  header: 'Details',
  collapsible: true,
  uncollapsibleWidgetsCount: 0,
  widgets: [
    fact('Agent ID', agent.agentId),
    fact('Organizational unit', agent.ouPath),
    ...Object.entries(agent.labels)
      .slice(0, 5)
      .map(([label, value]) =>
        fact(label === 'costCenter' ? 'Cost center' : label.charAt(0).toUpperCase() + label.slice(1), value || 'None'),
      ),
    fact('Machine', agent.policy.machineType.value, { bottomLabel: `From ${toOriginWords(agent.policy.machineType.origin)}` }),
    ...(agent.openclaw === null ? [] : [fact('OpenClaw', agent.openclaw)]),
    fact('Last change', formats.ago(agent.changedAt), { bottomLabel: formats.when(agent.changedAt) }),
  ],
});
