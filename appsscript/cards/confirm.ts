import type { Button, Card, Widget } from '../card.ts';
import { paragraph } from './rows.ts';

export interface Question {
  readonly name: string;
  readonly title: string;
  readonly subtitle?: string;
  /** What will happen, what goes with it and what stays; a paragraph each. */
  readonly does: readonly string[];
  /** Inputs that the answer takes along. */
  readonly inputs?: readonly Widget[];
  /** Absent where it cannot be done: then the text says why. */
  readonly yes?: Button;
  readonly no: Button;
}

/** Asked before anything that takes something away. It takes the place of the card it came from, so that nothing stale lies below. */
export const confirmCard = ({ name, title, subtitle, does, inputs = [], yes, no }: Question): Card => ({
  name,
  header: { title, ...(subtitle === undefined ? {} : { subtitle }) },
  sections: [{ widgets: [...does.map(paragraph), ...inputs] }],
  fixedFooter: yes ? { primaryButton: yes, secondaryButton: no } : { primaryButton: no },
});
