import type { Button, Card, Section } from '../card.ts';
import { escapeHtml } from '../words.ts';

/** What happened, and what to do next. Plain text. */
export interface Message {
  readonly title: string;
  readonly text: string;
  readonly next: string;
  /** For support, when the backend gave one. */
  readonly requestId?: string;
}

const toText = ({ text, next, requestId }: Message): string =>
  [text, next, ...(requestId === undefined ? [] : [`Request ${requestId}`])].map(escapeHtml).join('<br><br>');

export function messageCard(message: Message, buttons: readonly Button[]): Card {
  const widgets = [{ textParagraph: { text: toText(message) } }, ...(buttons.length === 0 ? [] : [{ buttonList: { buttons } }])];
  return { header: { title: message.title }, sections: [{ widgets }] };
}

/** The same message on top of a card that still has something to show. */
export const messageSection = (message: Message): Section => ({
  widgets: [
    {
      decoratedText: {
        startIcon: { materialIcon: { name: 'error' }, altText: 'Problem' },
        text: `<b>${escapeHtml(message.title)}</b><br>${toText(message)}`,
        wrapText: true,
      },
    },
  ],
});
