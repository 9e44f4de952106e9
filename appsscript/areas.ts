import { toClick } from './actions.ts';
import type { OnClick } from './card.ts';
import type { Reader } from './reader.ts';

/** A part of the add-on that the home card leads to, in the order in which it lists them. A new area is a row here. */
export interface Area {
  readonly id: string;
  readonly title: string;
  readonly about: string;
  readonly icon: string;
  readonly open: OnClick;
  /** Absent: for everybody. */
  readonly isFor?: (reader: Reader) => boolean;
}

export const areas: readonly Area[] = [
  {
    id: 'policies',
    title: 'Policies',
    about: 'For the organization, org units and groups',
    icon: 'policy',
    open: toClick('openPolicies', {}),
  },
  {
    id: 'approvals',
    title: 'Approvals',
    about: 'Requests from agents, and changes that wait for a decision',
    icon: 'approval',
    open: toClick('openApprovals', {}),
    isFor: ({ wholeCompany }) => wholeCompany,
  },
  {
    id: 'bulk',
    title: 'Many agents at once',
    about: 'Pause, resume, rotate secrets, move to another model',
    icon: 'checklist',
    open: toClick('openBulk', {}),
    isFor: ({ wholeCompany }) => wholeCompany,
  },
  {
    id: 'costs',
    title: 'Costs',
    about: 'By department, org unit or person, with a download',
    icon: 'payments',
    open: toClick('openCosts', {}),
    isFor: ({ wholeCompany }) => wholeCompany,
  },
  {
    id: 'audit',
    title: 'Audit log',
    about: 'Who did what, when and from where',
    icon: 'history',
    open: toClick('openAudit', {}),
    isFor: ({ wholeCompany }) => wholeCompany,
  },
  {
    id: 'settings',
    title: 'Settings and help',
    about: 'Connection check, your role, versions',
    icon: 'settings',
    open: toClick('openSettings', {}),
  },
];

/** Where to click for an area; absent while there is no such area for this reader. */
export const openArea = (id: string, reader: Reader): OnClick | undefined =>
  areas.find((area) => area.id === id && (area.isFor?.(reader) ?? true))?.open;
