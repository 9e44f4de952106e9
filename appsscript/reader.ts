import type { Answer } from '../shared/contract.ts';
import type { Formats } from './formats.ts';

/** Who a card is drawn for: what they may do, and how they read numbers and times. */
export interface Reader {
  readonly formats: Formats;
  readonly email: string;
  /** May change agents; a Viewer sees the same without the verbs. */
  readonly admin: boolean;
  /** May act on whole planes: an admin of some org units may not. */
  readonly wholeCompany: boolean;
}

/** What a card shows is no protection: the plane asks the directory again for every change. */
export const toReader = ({ email, roles, ous }: Answer<'me'>, formats: Formats): Reader => ({
  formats,
  email,
  admin: roles.includes('admin'),
  wholeCompany: ous === null,
});
