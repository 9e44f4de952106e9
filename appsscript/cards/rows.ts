import type { Button, DecoratedText, Section, Widget } from '../card.ts';
import { escapeHtml } from '../words.ts';

/* Widgets that look the same on every card. Text given here is plain. */

/** A label with its value; `bottomLabel` says more. */
export const fact = (topLabel: string, value: string, more: Omit<DecoratedText, 'topLabel' | 'text'> = {}): Widget => ({
  decoratedText: { topLabel, text: escapeHtml(value), wrapText: true, ...more },
});

/** Something that leads on. */
export const lead = (icon: string, title: string, about: string, more: Omit<DecoratedText, 'text' | 'bottomLabel'>): Widget => ({
  decoratedText: {
    startIcon: { materialIcon: { name: icon } },
    text: `<b>${escapeHtml(title)}</b>`,
    bottomLabel: about,
    wrapText: true,
    ...more,
  },
});

export const warning = (title: string, message: string): Widget => ({
  decoratedText: {
    startIcon: { materialIcon: { name: 'warning' }, altText: 'Needs attention' },
    text: `<b>${escapeHtml(title)}</b>`,
    bottomLabel: message,
    wrapText: true,
  },
});

export const paragraph = (text: string): Widget => ({ textParagraph: { text: escapeHtml(text) } });

/** No button, no widget: Google refuses an empty set. */
export const buttonRow = (...buttons: readonly (Button | undefined)[]): Widget[] => {
  const shown = buttons.flatMap((button) => button ?? []);
  return shown.length === 0 ? [] : [{ buttonList: { buttons: shown } }];
};

/** A section without widgets is refused, so it is left out. */
export const sectionOf = (header: string | undefined, widgets: readonly Widget[], more: Partial<Section> = {}): Section[] =>
  widgets.length === 0 ? [] : [{ ...(header === undefined ? {} : { header }), ...more, widgets }];
