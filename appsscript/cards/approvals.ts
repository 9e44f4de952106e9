import type { Answer, ApprovalView, CapabilityRequestView } from '../../shared/contract.ts';
import { fieldNames, toButton, toClick, type Actions } from '../actions.ts';
import type { Card, Section, Widget } from '../card.ts';
import type { Reader } from '../reader.ts';
import { channelNames, escapeHtml, toAgents, toName, toShort, toolNames } from '../words.ts';
import { messageSection, type Message } from './message.ts';
import { toPlanTitle } from './plan.ts';
import { buttonRow, fact, paragraph, sectionOf } from './rows.ts';

export interface Waitings {
  readonly requests: readonly CapabilityRequestView[];
  readonly flips: readonly ApprovalView[];
  readonly plans: Answer<'listPlans'>['plans'];
  /** How many of each were asked for, so that full lists say that there may be more. */
  readonly most: number;
}

const wordsOf = (names: Readonly<Record<string, string>>, items: readonly string[], what: string): string[] =>
  items.length === 0 ? [] : [`${what}: ${items.map((item) => names[item] ?? toName(item)).join(', ')}`];

/** `Tools: GitHub, SSH. Channels: Slack`. */
export const toWishWords = ({ tools, channels }: Pick<CapabilityRequestView, 'tools' | 'channels'>): string =>
  [...wordsOf(toolNames, tools, 'Tools'), ...wordsOf(channelNames, channels, 'Channels')].join('. ') || 'Nothing';

/** `3 agents created, 40 agents removed`. */
const toFlipWords = ({ creates, removes }: ApprovalView, { formats }: Reader): string =>
  [
    ...(creates > 0 ? [`${toAgents(creates, formats)} created`] : []),
    ...(removes > 0 ? [`${toAgents(removes, formats)} removed`] : []),
  ].join(', ') || 'No agent is left that waits';

const row = (topLabel: string, title: string, bottomLabel: string, onClick: ReturnType<typeof toClick>): Widget => ({
  decoratedText: { topLabel, text: `<b>${escapeHtml(title)}</b>`, bottomLabel: toShort(bottomLabel, 200), wrapText: true, onClick },
});

/** Everything that waits for an admin, the newest first. */
export function approvalsCard({ requests, flips, plans, most }: Waitings, reader: Reader, notice?: Message): Card {
  const { formats, admin } = reader;
  const more = (list: readonly unknown[]): Widget[] =>
    list.length < most ? [] : [paragraph('There may be more: they appear once these are decided.')];
  const nothing = requests.length + flips.length + plans.length === 0;
  return {
    name: 'approvals',
    header: { title: 'Approvals', subtitle: admin ? 'Waiting for an admin\u2019s decision' : 'Admins decide these' },
    sections: [
      ...(notice ? [messageSection(notice)] : []),
      ...(nothing ? [{ widgets: [paragraph('Nothing is waiting.')] }] : []),
      ...sectionOf('Requests from agents', [
        ...requests
          .slice(0, most)
          .map((request) =>
            row(formats.ago(request.askedAt), request.ownerEmail, toWishWords(request), toClick('openRequest', { id: request.id })),
          ),
        ...more(requests),
      ]),
      ...sectionOf('Changes that need a second person', [
        ...plans
          .slice(0, most)
          .map(({ id, kind, createdAt, createdBy, sentences }) =>
            row(
              `${formats.ago(createdAt)} by ${createdBy}`,
              toPlanTitle(kind),
              sentences.join(', ') || 'No agent changes',
              toClick('openPlan', { id }),
            ),
          ),
        ...more(plans),
      ]),
      ...sectionOf('Large changes through policy', [
        ...flips
          .slice(0, most)
          .map((flip) =>
            row(
              formats.ago(flip.askedAt),
              toFlipWords(flip, reader),
              'Caused by a change of policy or in the directory',
              toClick('openFlips', { id: flip.id }),
            ),
          ),
        ...more(flips),
      ]),
    ],
    fixedFooter: { primaryButton: toButton('Refresh', 'showApprovals', {}, { type: 'OUTLINED' }) },
  };
}

type Deciding = 'decideRequest' | 'decideFlips';

/** The way to decide, or why there is none. */
function decision(name: Deciding, id: string, approve: string, { admin, wholeCompany }: Reader): Section {
  if (!admin || !wholeCompany) return { widgets: [paragraph('An Agent Admin of the whole company decides this.')] };
  const parameters = (word: string): Actions[Deciding] => ({ id, decision: word });
  return {
    header: 'Your decision',
    widgets: [
      { textInput: { name: fieldNames.reason, label: 'Reason', hintText: 'Optional; told to the agent' } },
      ...buttonRow(
        toButton(approve, name, parameters('approve'), { type: 'FILLED' }),
        toButton('Deny', name, parameters('deny'), { type: 'OUTLINED' }),
      ),
    ],
  };
}

const back = toButton('Back', 'showApprovals', {}, { type: 'OUTLINED' });

export const requestCard = (request: CapabilityRequestView, reader: Reader): Card => ({
  name: 'approvals',
  header: { title: 'Request from an agent', subtitle: toShort(request.ownerEmail) },
  sections: [
    {
      widgets: [
        fact('Asks for', toWishWords(request)),
        fact('Why, in the agent\u2019s own words', toShort(request.why, 1_000) || 'It gave no reason.'),
        fact('Asked', reader.formats.ago(request.askedAt), { bottomLabel: reader.formats.when(request.askedAt) }),
        paragraph('If you approve, only this person gets it, within the limits of policy, until an admin takes it back.'),
      ],
    },
    decision('decideRequest', request.id, 'Approve', reader),
  ],
  fixedFooter: { primaryButton: back },
});

const mostNamed = 20;

export function flipsCard(flip: ApprovalView, reader: Reader): Card {
  const total = flip.creates + flip.removes;
  const shown = flip.agents.slice(0, mostNamed);
  const left = total - shown.length;
  return {
    name: 'approvals',
    header: { title: 'Many agents at once', subtitle: toFlipWords(flip, reader) },
    sections: [
      {
        widgets: [
          fact('If you approve', toFlipWords(flip, reader), { bottomLabel: `Asked ${reader.formats.when(flip.askedAt)}` }),
          ...(flip.removes > 0
            ? [
                paragraph(
                  'Removed agents lose access at once; their machines and secrets are deleted, and the last backup of each is kept for a while.',
                ),
              ]
            : []),
          paragraph('If you deny, these agents stay as they are.'),
        ],
      },
      decision(
        'decideFlips',
        flip.id,
        flip.removes > 0 ? `Approve and remove ${toAgents(flip.removes, reader.formats)}` : 'Approve',
        reader,
      ),
      ...sectionOf('Whose agents', [
        ...shown.map(({ ownerEmail, to }) => fact(to === 'running' ? 'Gets an agent' : 'Loses the agent', ownerEmail)),
        ...(left > 0 ? [paragraph(`And ${toAgents(left, reader.formats)} more.`)] : []),
      ]),
    ],
    fixedFooter: { primaryButton: back },
  };
}
