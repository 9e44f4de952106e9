import { html } from 'hono/html';
import { z } from 'zod';
import type { Channel } from '../../../shared/agent.ts';
import { channelNames } from '../../../shared/display-names.ts';
import { back, type Html } from './layout.ts';

const https = z.url({ protocol: /^https$/ });

/** What admins have set up for a channel, so that owners can be led there. */
export const handOffSchema = z.strictObject({
  /** The address that opens the app in Slack: `https://acme.slack.com/app_redirect?app=A0123456789`. */
  slack: z.strictObject({ url: https, app: z.string().min(1).max(80) }).optional(),
  /** The bot's user name, without `@`. */
  telegram: z.strictObject({ bot: z.string().regex(/^[A-Za-z]\w{3,30}bot$/i, 'the user name of a bot, without @') }).optional(),
  /** The name under which the app is found in Google Chat. */
  googlechat: z.strictObject({ app: z.string().min(1).max(80) }).optional(),
});
export type HandOff = z.infer<typeof handOffSchema>;

/** Whether nobody can use a channel before an admin has set it up. */
export const awaitsAdmin = (channel: Channel, handOff: HandOff): boolean =>
  (channel === 'slack' || channel === 'telegram' || channel === 'googlechat') && handOff[channel] === undefined;

interface Steps {
  readonly steps: readonly (Html | string)[];
  /** What an admin must have set up before. */
  readonly before: string;
  /** Opens the channel; absent where it is opened by hand. */
  readonly open?: { readonly href: string; readonly label: string };
}

const stepsOf = {
  slack: ({ slack }: HandOff): Steps => ({
    before: 'An admin must have installed the company’s agent app in your Slack workspace and connected it to your agent.',
    ...(slack ? { open: { href: slack.url, label: 'Open Slack' } } : {}),
    steps: [
      html`Open the app <strong>${slack?.app ?? ''}</strong> in Slack.`,
      'Send it a direct message, for example “Hello”.',
      'If it answers with a code, it does not know you yet: send the code to your admin, who confirms that it is you.',
    ],
  }),
  telegram: ({ telegram }: HandOff): Steps => ({
    before: 'An admin must have made a Telegram bot and connected it to your agent.',
    ...(telegram ? { open: { href: `https://t.me/${telegram.bot}`, label: 'Open Telegram' } } : {}),
    steps: [
      html`Open <strong>@${telegram?.bot ?? ''}</strong> in Telegram.`,
      'Tap “Start”.',
      'If it answers with a code, it does not know you yet: send the code to your admin, who confirms that it is you.',
    ],
  }),
  googlechat: ({ googlechat }: HandOff): Steps => ({
    before: 'An admin must have published the company’s agent app in Google Chat and connected it to your agent.',
    ...(googlechat ? { open: { href: 'https://chat.google.com/', label: 'Open Google Chat' } } : {}),
    steps: [
      'In Google Chat, choose “New chat”, then “Find apps”.',
      html`Search for <strong>${googlechat?.app ?? ''}</strong> and choose it.`,
      'Send it a message, for example “Hello”.',
    ],
  }),
} as const;

export const askAdmin = (channel: Channel): Html =>
  html`<p class="note">
    ${channelNames[channel]} is allowed for you, but it is not set up here yet. <strong>Ask your admin</strong> to set it up. Until then,
    email works: reply to any mail from your agent.
  </p>`;

/** How one channel is connected by hand, or that an admin has to do something first. */
export function channelBody(channel: 'slack' | 'telegram' | 'googlechat', handOff: HandOff): Html {
  const { before, steps, open } = stepsOf[channel](handOff);
  if (!open)
    return html`${askAdmin(channel)}
      <p class="soft">${before}</p>
      ${back()}`;
  return html`<ol>
      ${steps.map((step) => html`<li>${step}</li>`)}
    </ol>
    <p><a class="button" href="${open.href}" rel="noreferrer noopener">${open.label}</a></p>
    <p class="soft">${before} If something is missing, ask your admin.</p>
    ${back()}`;
}

export const emailBody = (address: string): Html =>
  html`<p>Email works already: <strong>reply to any mail from your agent</strong>, or write to</p>
    <p><a href="mailto:${address}">${address}</a></p>
    <p class="soft">Your agent hears you only from your own company address.</p>
    ${back()}`;
