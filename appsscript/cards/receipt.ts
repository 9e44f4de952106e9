import type { Answer } from '../../shared/contract.ts';
import { toClick } from '../actions.ts';
import type { Card, Widget } from '../card.ts';
import type { Reader } from '../reader.ts';
import { toColored, toReasonWords, toShort } from '../words.ts';
import { fact, lead, paragraph } from './rows.ts';

type Receipt = Answer<'agentReceipt'>;

const listingWords: Readonly<Record<string, string>> = {
  machines: 'Machines',
  principals: 'Accounts',
  secrets: 'Secrets',
  network: 'Network access',
};

/** Whole seconds between two times, in words. */
function toLater(from: string, to: string): string {
  const seconds = Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / 1_000));
  if (seconds === 0) return 'At once';
  if (seconds < 120) return `${String(seconds)} second${seconds === 1 ? '' : 's'} later`;
  return `${String(Math.round(seconds / 60))} minutes later`;
}

/** The way to the proof, from wherever a removed agent is shown. */
export const receiptRow = (agentId: string, user: string): Widget =>
  lead('verified', 'Proof of removal', 'The signed receipt: what was deleted, and when', {
    onClick: toClick('openReceipt', { agentId, user }),
  });

/** That nothing of an agent is left: where was looked, when, and what is kept on purpose. `known`: the directory still has the person. */
export function receiptCard(receipt: Receipt, known: boolean, { formats, wholeCompany }: Reader): Card {
  const { agentId, ownerEmail, ownerId, reason, requestedAt, revokedAt, removedAt, backup, listings, keyId, audit, signature } = receipt;
  return {
    name: 'receipt',
    header: { title: 'Proof of removal', subtitle: toShort(ownerEmail) },
    sections: [
      {
        widgets: [
          {
            decoratedText: {
              startIcon: { materialIcon: { name: 'verified' }, altText: 'Signed' },
              text: toColored('Removed: nothing is left', 'green'),
              bottomLabel: `Signed by the plane on ${formats.when(removedAt)}`,
              wrapText: true,
            },
          },
          fact('Why', toReasonWords(reason)),
        ],
      },
      {
        header: 'What happened',
        widgets: [
          fact('Removal began', formats.when(requestedAt)),
          fact('Access ended', formats.when(revokedAt), { bottomLabel: toLater(requestedAt, revokedAt) }),
          fact('Everything deleted', formats.when(removedAt), { bottomLabel: toLater(requestedAt, removedAt) }),
        ],
      },
      {
        header: 'Checked afterwards',
        widgets: listings
          .slice(0, 12)
          .map(({ what, provider, at }) =>
            fact(listingWords[what] ?? what, 'None found', { bottomLabel: `Listed at \u201c${provider}\u201d, ${formats.when(at)}` }),
          ),
      },
      {
        header: 'Kept on purpose',
        widgets: [
          backup
            ? fact('Last backup', `Kept until ${formats.day(backup.expiresAt)}`, {
                bottomLabel: 'Encrypted and without secrets; destroyed after that day.',
              })
            : paragraph('Nothing: there was no backup to keep.'),
        ],
      },
      {
        header: 'For an auditor',
        collapsible: true,
        uncollapsibleWidgetsCount: 0,
        widgets: [
          fact('Agent ID', agentId),
          fact('Directory ID of the person', ownerId),
          fact('Signed with key', keyId, { bottomLabel: `Signature ${toShort(signature, 24)}` }),
          fact('Entry in the audit log', `${audit.chain}, row ${formats.count(audit.seq)}`),
          paragraph('To check the signature without the plane: planes receipt show --json, then planes receipt verify.'),
        ],
      },
      {
        widgets: [
          ...(wholeCompany
            ? [
                lead('history', 'History', 'Everything this agent did and was given', {
                  onClick: toClick('openHistory', { agentId, name: toShort(ownerEmail) }),
                }),
              ]
            : []),
          known
            ? lead('person', 'Open this person', 'Their page here, to give them a new agent for example', {
                onClick: toClick('openUser', { user: ownerId }),
              })
            : paragraph('This person is no longer in the directory.'),
        ],
      },
    ],
  };
}
