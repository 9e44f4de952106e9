import type { Channel, Tool } from '../../shared/agent.ts';
import { toAbilities, toWaiting, waitingHeading } from '../../shared/abilities.ts';
import { channelNames } from '../../shared/display-names.ts';
import { PlaneError } from '../core/errors.ts';
import type { Message } from './mailbox.ts';

export interface IntroductionOptions {
  readonly agentName: string;
  readonly ownerName: string;
  readonly ownerEmail: string;
  readonly company: string;
  readonly tools: readonly Tool[];
  readonly channels: readonly Channel[];
  /** Those of them that an admin has to set up first. */
  readonly notSetUp?: readonly Channel[] | undefined;
  /** What the agent wrote, as plain text; without it goes a plain introduction. */
  readonly text?: string | undefined;
  /** The owner's page, where channels are connected. */
  readonly link: string;
  readonly from: string;
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly date: number;
}

const abilitiesHeading = 'What I can do for you';
const placesHeading = 'Where you reach me';
const pageWords = 'Open your page';
const invitation = 'Just reply to this email to start chatting.';

/** A name from outside, on one line and of a length that fits a subject. */
const toLine = (text: string): string =>
  Array.from(text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]+/gu, ' ').trim())
    .slice(0, 100)
    .join('');

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escape = (text: string): string => text.replace(/[&<>"']/g, (char) => entities[char] ?? char);

/** Paragraphs stand between empty lines. Control characters but tab and line feed go. */
const toParagraphs = (text: string): string[] =>
  text
    .replace(/\r\n?|[\p{Zl}\p{Zp}]/gu, '\n')
    .replace(/[^\P{Cc}\t\n]/gu, '')
    .split(/\n[ \t]*(?:\n[ \t]*)+/)
    .map((paragraph) => paragraph.trim())
    .filter((paragraph) => paragraph !== '');

function checkLink(link: string): string {
  const url = URL.parse(link);
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
    throw new PlaneError('invalid', 'cannot write introduction: its link is not an http address; set the public address of the plane');
  }
  return url.href;
}

const style = {
  page: 'margin:0;padding:0;background-color:#f6f8fc',
  sheet:
    'max-width:560px;margin:0 auto;padding:24px 20px;background-color:#ffffff;color:#202124;' +
    'font-family:Arial,Helvetica,sans-serif;font-size:16px;line-height:1.5;overflow-wrap:anywhere',
  heading: 'margin:24px 0 8px;font-size:16px;font-weight:bold',
  list: 'margin:0 0 16px;padding-left:20px',
  item: 'margin:0 0 6px',
  link: 'color:#1a56c4',
  button:
    'display:inline-block;padding:12px 20px;border-radius:6px;background-color:#1a56c4;color:#ffffff;text-decoration:none;font-weight:bold',
  small: 'margin:24px 0 0;font-size:13px;color:#5f6368',
} as const;

/** For programs that read it; all others show the inline styles. Contrast is AA in both: 4.5 to 1 or more. */
const darkStyle = `@media (prefers-color-scheme: dark) {
.page { background-color: #131314 !important; }
.sheet { background-color: #1e1f20 !important; color: #e3e3e3 !important; }
.link { color: #a8c7fa !important; }
.button { background-color: #a8c7fa !important; color: #062e6f !important; }
.small { color: #9aa0a6 !important; }
}`;

/** One line of a list; with an address, the label leads there. */
interface Item {
  readonly label: string;
  readonly words?: string;
  readonly href?: string;
}

const toParagraph = (text: string): string => `<p style="margin:0 0 16px">${escape(text).replaceAll('\n', '<br>\n')}</p>`;
const toTextItem = ({ label, words, href }: Item): string =>
  `- ${label}${words === undefined ? '' : `: ${words}`}${href === undefined ? '' : ` ${href}`}`;
function toHtmlItem({ label, words, href }: Item): string {
  const shown = href === undefined ? escape(label) : `<a class="link" href="${escape(href)}" style="${style.link}">${escape(label)}</a>`;
  return `<li style="${style.item}">${shown}${words === undefined ? '' : `: ${escape(words)}`}</li>`;
}
const toHtmlList = (heading: string, items: readonly Item[]): string =>
  `<h2 style="${style.heading}">${escape(heading)}</h2>\n<ul style="${style.list}">\n${items.map(toHtmlItem).join('\n')}\n</ul>`;
const toTextList = (heading: string, items: readonly Item[]): string => `${heading}:\n${items.map(toTextItem).join('\n')}`;

/** Where one channel is connected, below the owner's page. */
const toChannelLink = (link: string, channel: Channel): string => {
  const url = new URL(link);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/${channel}`;
  return url.href;
};

/** The first message an owner has from an agent (REQUIREMENTS §2.3). Everything from outside is escaped. Pure. */
export function renderIntroduction(options: IntroductionOptions): Message {
  const { tools, channels, notSetUp = [], text, from, id, ownerEmail } = options;
  const [agentName, ownerName, company] = [toLine(options.agentName), toLine(options.ownerName), toLine(options.company)];
  const link = checkLink(options.link);
  const plain = [
    `Hey ${ownerName}, I'm ${agentName}, your new AI agent at ${company}. Let's get connected.`,
    'I work for you alone. Tell me what you are busy with and how you like things done, and I will take it from there.',
  ];
  const written = toParagraphs(text ?? '');
  const paragraphs = written.length > 0 ? written : plain;

  const can = toAbilities(tools).map((words) => ({ label: words.charAt(0).toUpperCase() + words.slice(1) }));
  const abilities: Item[] = [{ label: 'Think and write with you, and remember what you tell me' }, ...can];
  const waiting: Item[] = toWaiting(tools, notSetUp).map(({ names: label, words }) => ({ label, words }));
  const others = channels.filter((channel) => channel !== 'email' && !notSetUp.includes(channel)).toSorted();
  const places: Item[] = [
    { label: 'Email', words: 'reply to this message' },
    ...others.map((channel) => ({ label: channelNames[channel], words: 'connect it on its page', href: toChannelLink(link, channel) })),
  ];
  const footer = `You get this because an admin of ${company} set up an AI agent for ${ownerEmail}.`;
  const privacy = 'The links are yours alone and work for seven days. Please do not forward this email.';

  const textBody = [
    ...paragraphs,
    toTextList(abilitiesHeading, abilities),
    toTextList(placesHeading, places),
    ...(waiting.length === 0 ? [] : [toTextList(waitingHeading, waiting)]),
    `${pageWords}: ${link}`,
    invitation,
    `-- \n${privacy}\n${footer}`,
  ].join('\n\n');

  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${escape(agentName)}</title>
<style>
${darkStyle}
</style>
</head>
<body class="page" style="${style.page}">
<div class="sheet" style="${style.sheet}">
${paragraphs.map(toParagraph).join('\n')}
${toHtmlList(abilitiesHeading, abilities)}
${[toHtmlList(placesHeading, places), ...(waiting.length === 0 ? [] : [toHtmlList(waitingHeading, waiting)])].join('\n')}
<p style="margin:24px 0"><a class="button" href="${escape(link)}" style="${style.button}">${pageWords}</a></p>
<p style="margin:0;font-weight:bold">${invitation}</p>
<p class="small" style="${style.small}">${privacy}<br>${escape(footer)}</p>
</div>
</body>
</html>
`;

  return {
    id,
    date: new Date(options.date).toISOString(),
    from,
    to: ownerEmail,
    subject: `Hey ${ownerName}, I'm ${agentName}, your new AI agent`,
    text: `${textBody}\n`,
    html,
  };
}
