import type { AgentView, UserView } from '../../shared/contract.ts';
import { fieldNames, toButton, toClick } from '../actions.ts';
import type { Card, Section, Widget } from '../card.ts';
import type { Reader } from '../reader.ts';
import { verbs, type VerbName } from '../verbs.ts';
import { toShort } from '../words.ts';
import { confirmCard } from './confirm.ts';
import { lead, sectionOf } from './rows.ts';

const order = ['restart', 'pause', 'resume', 'rotate', 'backUp', 'upgrade', 'reprovision'] as const satisfies readonly VerbName[];

const fits = (name: VerbName, { phase }: AgentView): boolean => verbs[name].phases.some((allowed) => allowed === phase);

function verbRow(name: VerbName, user: UserView, { agentId }: AgentView): Widget {
  const { title, short, icon, does, asks } = verbs[name];
  const look = { type: 'OUTLINED', altText: `${title}: ${does}` } as const;
  return lead(icon, title, does, {
    button: asks
      ? toButton(short, 'askVerb', { user: user.id, verb: name }, look)
      : toButton(short, 'doVerb', { user: user.id, agentId, verb: name }, look),
  });
}

/** What can be done now, each with what it will do. */
export function verbSection(user: UserView, agent: AgentView, { admin, wholeCompany }: Reader): Section[] {
  // The call that rotates secrets is one of a whole plane.
  const may = (name: VerbName): boolean => admin && (wholeCompany || name !== 'rotate');
  const widgets = order.filter((name) => may(name) && fits(name, agent)).map((name) => verbRow(name, user, agent));
  return sectionOf('Actions', widgets, widgets.length > 3 ? { collapsible: true, uncollapsibleWidgetsCount: 2 } : {});
}

const historyRow = (agentId: string, name: string): Widget =>
  lead('history', 'History', 'Who did what, and when', { onClick: toClick('openHistory', { agentId, name: toShort(name) }) });

/** What there is to look up; the audit log is one of a whole plane. */
export const moreSection = ({ name }: UserView, { agentId, phase }: AgentView, { wholeCompany }: Reader): Section => ({
  header: 'More',
  widgets: [
    ...(wholeCompany ? [historyRow(agentId, name)] : []),
    lead('inventory_2', 'Backups', 'Stored copies, and how to restore one', { onClick: toClick('openBackups', { agentId }) }),
    ...(phase === 'removed'
      ? []
      : [lead('key', 'Secrets', 'Names and ages, never a value', { onClick: toClick('openSecrets', { agentId }) })]),
  ],
});

const inputsOf: Readonly<Partial<Record<VerbName, readonly Widget[]>>> = {
  pause: [{ textInput: { name: fieldNames.reason, label: 'Reason', hintText: 'Optional; shown in the history' } }],
  upgrade: [{ textInput: { name: fieldNames.version, label: 'Version', hintText: 'Empty: the version set for the whole plane' } }],
  reprovision: [
    {
      selectionInput: {
        name: fieldNames.acceptLoss,
        label: 'If there is no backup',
        type: 'CHECK_BOX',
        items: [{ text: 'Continue anyway: its memory is lost', value: 'yes', selected: false }],
      },
    },
  ],
};

export function askVerbCard(user: UserView, agent: AgentView, name: VerbName): Card {
  const { title, short, does } = verbs[name];
  const possible = fits(name, agent);
  const inputs = inputsOf[name];
  return confirmCard({
    name: 'user',
    title: `${short} the agent of ${toShort(user.name)}?`,
    subtitle: user.email,
    does: possible ? [does] : [does, 'That cannot be done as the agent stands now. Go back and refresh.'],
    ...(possible && inputs ? { inputs } : {}),
    ...(possible ? { yes: toButton(title, 'doVerb', { user: user.id, agentId: agent.agentId, verb: name }, { type: 'FILLED' }) } : {}),
    no: toButton('Cancel', 'showUser', { user: user.id }),
  });
}
