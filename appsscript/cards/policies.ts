import type { PlaneDefinitionView } from '../../shared/contract.ts';
import { fieldNames, toButton, toClick } from '../actions.ts';
import type { Card, Section, Widget } from '../card.ts';
import { groupLayers, layerOf, toLayerWords, toRuledOutWords, toScope, toScopeTitle, unitsAbove, type Layer } from '../layers.ts';
import type { Reader } from '../reader.ts';
import { escapeHtml, toShort } from '../words.ts';
import { dropdown, type Scopes } from './filter.ts';
import { messageSection, type Message } from './message.ts';
import { buttonRow, paragraph, sectionOf } from './rows.ts';

/** Whether cards may change a plane's policies: a file has the say where there is one. */
export const mayEdit = ({ managedBy }: PlaneDefinitionView, { admin, wholeCompany }: Reader): boolean =>
  admin && wholeCompany && managedBy === 'api';

/** Why a reader finds no verbs; absent where there are some. */
export function whyReadOnly(plane: PlaneDefinitionView, { admin, wholeCompany }: Reader): Section[] {
  if (plane.managedBy === 'file') {
    const wayOut = 'Edit that file and run planes apply -f, or start the plane without it: then these cards can change policies.';
    return [{ header: 'Managed by a file', widgets: [paragraph(`The file of plane ${plane.planeId} says what is shown here. ${wayOut}`)] }];
  }
  if (admin && wholeCompany) return [];
  return [{ widgets: [paragraph('You can look at policies here. Agent Admins of the whole company can change them.')] }];
}

/** Org units that a card lists; the rest is in the dropdown. */
const mostUnits = 30;
const mostGroups = 25;
/** A dropdown holds a hundred items (google.apps.card.v1, read 2026-11-22). */
const mostChoices = 100;

/** What is below a unit follows it, also where another has a name that goes on with a space. */
const toTreeOrder = (path: string): string => path.replace(/\//g, '\u0001');

interface RowLook {
  readonly title: string;
  readonly topLabel?: string;
  readonly policies: readonly Layer[];
}

const layerRow = (scope: string, layer: Layer | undefined, { title, topLabel, policies }: RowLook, { formats }: Reader): Widget => ({
  decoratedText: {
    ...(topLabel === undefined ? {} : { topLabel }),
    text: `<b>${escapeHtml(title)}</b>`,
    bottomLabel: layer ? toShort(`${toLayerWords(layer.spec, formats)}${toRuledOutWords(policies, layer)}`, 300) : 'Inherits everything',
    wrapText: true,
    onClick: toClick('openLayer', { scope }),
  },
});

/** The tree of org units: those that say something and those above them, and all others as far as there is room. */
function unitRows(policies: readonly Layer[], { ous }: Scopes, reader: Reader): Widget[] {
  const saying = policies.flatMap(({ match }) => ('ou' in match ? [match.ou] : []));
  const withAncestors = new Set(saying.flatMap((path) => [path, ...unitsAbove(path)]));
  const wanted = [...new Set([...ous.map(({ path }) => path), ...saying])].filter((path) => path !== '/' || saying.includes('/'));
  const shown = wanted.length <= mostUnits ? wanted : wanted.filter((path) => withAncestors.has(path));
  const rows = shown
    .sort((a, b) => (toTreeOrder(a) < toTreeOrder(b) ? -1 : 1))
    .slice(0, mostUnits)
    .map((path) => {
      const title = path === '/' ? '/ (top unit)' : path;
      return layerRow(`ou:${path}`, layerOf(policies, `ou:${path}`), { title, policies }, reader);
    });
  const left = wanted.length - rows.length;
  return [...rows, ...(left > 0 ? [paragraph(`${reader.formats.count(left)} more org units inherit what stands above them.`)] : [])];
}

const groupRows = (policies: readonly Layer[], reader: Reader): Widget[] =>
  groupLayers(policies)
    .slice(0, mostGroups)
    .map((layer, at) =>
      layerRow(
        toScope(layer.match),
        layer,
        {
          title: toScopeTitle(toScope(layer.match)).replace(/^group /, ''),
          topLabel: `Priority ${reader.formats.count(at + 1)}`,
          policies,
        },
        reader,
      ),
    );

function adding(policies: readonly Layer[], { ous }: Scopes): Section {
  const saying = new Set(policies.map(({ match }) => toScope(match)));
  const units = ous.map(({ path }) => path).filter((path) => path !== '/' && !saying.has(`ou:${path}`));
  return {
    header: 'Add a policy',
    widgets: [
      ...(units.length === 0
        ? []
        : [
            dropdown(
              fieldNames.ou,
              'Org unit',
              units.slice(0, mostChoices).map((path) => [path, path] as const),
              units[0],
            ),
            ...(units.length > mostChoices ? [paragraph('Not all org units fit here; planes plan takes any.')] : []),
            ...buttonRow(toButton('Add for this org unit', 'chooseUnit', {}, { type: 'OUTLINED' })),
          ]),
      { textInput: { name: fieldNames.group, label: 'Group', hintText: 'Its e-mail address' } },
      ...buttonRow(toButton('Add for this group', 'chooseGroup', {}, { type: 'OUTLINED' })),
    ],
  };
}

/** Every layer, in the order in which the later wins. */
export function policiesCard(plane: PlaneDefinitionView, scopes: Scopes, reader: Reader, notice?: Message): Card {
  const { policies } = plane.definition.spec;
  const { formats } = reader;
  const groups = groupRows(policies, reader);
  const unseen = groupLayers(policies).length - groups.length;
  return {
    name: 'policies',
    header: { title: 'Policies', subtitle: `Plane ${plane.planeId}, revision ${formats.count(plane.revision)}` },
    sections: [
      ...(notice ? [messageSection(notice)] : []),
      ...whyReadOnly(plane, reader),
      {
        header: 'Organization',
        widgets: [
          layerRow('all', layerOf(policies, 'all'), { title: 'The whole organization', policies }, reader),
          paragraph(
            'A nearer org unit wins over this, a group over org units, and a person\u2019s own page over both. Limits always hold.',
          ),
        ],
      },
      ...sectionOf('Org units', unitRows(policies, scopes, reader)),
      ...sectionOf('Groups (the later one wins)', [
        ...(groups.length === 0 ? [paragraph('No group has a policy.')] : groups),
        ...(unseen > 0 ? [paragraph(`And ${formats.count(unseen)} more groups.`)] : []),
      ]),
      ...(mayEdit(plane, reader) ? [adding(policies, scopes)] : []),
      {
        widgets: [
          {
            decoratedText: {
              topLabel: 'Last change',
              text: escapeHtml(formats.when(plane.updatedAt)),
              bottomLabel: plane.updatedBy === 'start' ? 'As the plane was first set up' : `By ${plane.updatedBy}`,
              wrapText: true,
            },
          },
        ],
      },
    ],
    fixedFooter: { primaryButton: toButton('Refresh', 'showPolicies', {}, { type: 'OUTLINED' }) },
  };
}
