import { formatMicros, toMonthName, toNextStart } from '../../shared/budget.ts';
import type { AlertRecord } from '../core/records.ts';
import type { Handler } from '../core/schedule.ts';
import type { Store } from '../core/store.ts';
import type { Message } from '../mail/mailbox.ts';

export const alertKey = (id: string): string => `alert/${id}`;

/** Takes a mail; one of an id it has already is left alone, so that an alert may be sent again. */
export type Deliver = (message: Message) => Promise<unknown>;

export interface AlertDeps {
  readonly deliver: Deliver;
  /** The address that alerts come from. */
  readonly from: string;
  /** Whom besides the owner; absent where the plane names nobody. */
  readonly adminEmail?: string;
}

const toHtml = (text: string): string =>
  `<pre style="font:inherit;white-space:pre-wrap">${text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</pre>`;

export function renderAlert({ agentName, ownerEmail, level, month, spentMicros, capUsd }: AlertRecord): { subject: string; text: string } {
  const spent = `${formatMicros(spentMicros)} of the $${capUsd}`;
  const used = level === 100 ? 'has used up its budget' : `has used ${level} % of its budget`;
  const next =
    level === 100
      ? 'What is left is too little for another answer: until then it says so instead of answering, or goes on with a cheaper model where the plane allows it.'
      : 'It goes on as before until the budget is used up.';
  return {
    subject: `${agentName} ${used} for ${toMonthName(month)}`,
    text: [
      `${agentName}, the agent of ${ownerEmail}, ${used} for ${toMonthName(month)}: ${spent} are spent.`,
      `The budget starts again on ${toNextStart(month)}. ${next}`,
      'An admin can change it in the Agents Plane add-on on the owner’s page of the Admin console, or in the plane’s policies.',
    ].join('\n\n'),
  };
}

/** Mails an alert to owner and admin, once each however often it is called. */
export async function sendAlert(alert: AlertRecord, { deliver, from, adminEmail }: AlertDeps): Promise<void> {
  const { subject, text } = renderAlert(alert);
  const to = new Set([alert.ownerEmail, ...(adminEmail === undefined ? [] : [adminEmail])]);
  for (const address of to)
    await deliver({
      id: `alert/${alert.id}/${address}`,
      date: new Date(alert.at).toISOString(),
      from,
      to: address,
      subject,
      text,
      html: toHtml(text),
    });
}

/** What `alert/<id>` does when it is due. */
export function createAlertHandler({
  store,
  adminEmailOf,
  ...deps
}: Omit<AlertDeps, 'adminEmail'> & { readonly store: Store; readonly adminEmailOf: (planeId: string) => string | undefined }): Handler {
  return async (id) => {
    const alert = await store.get('alerts', id);
    if (!alert) return undefined;
    const adminEmail = adminEmailOf(alert.planeId);
    await sendAlert(alert, { ...deps, ...(adminEmail === undefined ? {} : { adminEmail }) });
    return undefined;
  };
}
