import type { PlaneDefinitionView } from '../../shared/contract.ts';
import { toButton, type Actions } from '../actions.ts';
import type { Card, SelectionInput, Section, Widget } from '../card.ts';
import { inherit, layerFields, limitModeOf, type LimitedField } from '../layer-form.ts';
import { groupLayers, inheritedOf, layerOf, toLayerWords, toScope, toScopeTitle, toValueWords, type LayerSpec } from '../layers.ts';
import type { Reader } from '../reader.ts';
import { channelNames, tierNames, toolNames, toShort } from '../words.ts';
import { dropdown } from './filter.ts';
import { messageSection, type Message } from './message.ts';
import { mayEdit, whyReadOnly } from './policies.ts';
import { buttonRow, fact, paragraph } from './rows.ts';

interface Drawing {
  readonly plane: PlaneDefinitionView;
  readonly scope: string;
  readonly spec: LayerSpec;
  readonly reader: Reader;
}

type Field = 'agentEnabled' | LimitedField;

/** `Inherit (Opus from /Engineering)`. */
function inheritWords(field: Field, { plane, scope, reader }: Drawing): string {
  if (scope === 'all') return 'Built-in default';
  if (scope.startsWith('group:')) return 'Inherit from each person\u2019s org unit';
  const from = inheritedOf(plane.definition.spec.policies, scope, field);
  return from ? `Inherit (${toValueWords(from.value, reader.formats)} from ${toScopeTitle(from.scope)})` : 'Inherit (built-in default)';
}

const checkboxes = (
  name: string,
  label: string,
  names: Readonly<Record<string, string>>,
  ticked: readonly string[],
  first: SelectionInput['items'] = [],
): Widget => ({
  selectionInput: {
    ...{ name, label, type: 'CHECK_BOX' },
    items: [...first, ...Object.entries(names).map(([value, text]) => ({ text, value, selected: ticked.includes(value) }))],
  },
});

const limitDropdown = (name: string, field: LimitedField, { spec }: Drawing): Widget =>
  dropdown(
    name,
    'May anybody here have others?',
    [
      ['none', 'Yes'],
      ['lock', 'No: locked to the choice above'],
      ['own', 'Only those allowed below'],
    ],
    limitModeOf(spec, field),
  );

function listSection(field: 'tools' | 'channels', title: string, names: Readonly<Record<string, string>>, drawing: Drawing): Section {
  const { spec } = drawing;
  const own: readonly string[] | undefined = spec[field];
  const allowed: readonly string[] = limitModeOf(spec, field) === 'own' ? (spec.limits?.[field] ?? []) : [];
  const fromAbove = { text: toShort(inheritWords(field, drawing)), value: inherit, selected: own === undefined };
  return {
    header: title,
    collapsible: true,
    uncollapsibleWidgetsCount: 2,
    widgets: [
      checkboxes(layerFields[field], `${title} they get; uncheck all for none`, names, own ?? [], [fromAbove]),
      limitDropdown(layerFields[`${field}Limit`], field, drawing),
      checkboxes(layerFields[`${field}Allowed`], 'Allowed for anybody here', names, allowed),
    ],
  };
}

function modelSection(drawing: Drawing): Section {
  const { spec } = drawing;
  const allowed: readonly string[] = limitModeOf(spec, 'modelTier') === 'own' ? (spec.limits?.modelTiers ?? []) : [];
  return {
    header: 'Model',
    collapsible: true,
    uncollapsibleWidgetsCount: 2,
    widgets: [
      dropdown(
        layerFields.tier,
        'Model',
        [[inherit, inheritWords('modelTier', drawing)], ...Object.entries(tierNames)],
        spec.modelTier ?? inherit,
      ),
      limitDropdown(layerFields.tierLimit, 'modelTier', drawing),
      checkboxes(layerFields.tiersAllowed, 'Allowed for anybody here', tierNames, allowed),
    ],
  };
}

function emptyWords({ plane, scope, reader }: Drawing): string {
  if (scope === 'all') return 'Empty: built-in default';
  const from = inheritedOf(plane.definition.spec.policies, scope, 'budgetCap');
  return typeof from?.value === 'number' ? `Empty: ${reader.formats.money(from.value)} from ${toScopeTitle(from.scope)}` : 'Empty: inherit';
}

function budgetSection(drawing: Drawing): Section {
  const { spec } = drawing;
  const most = limitModeOf(spec, 'budgetCap') === 'own' ? String(spec.limits?.budgetCap ?? '') : '';
  const input = (name: string, label: string, hintText: string, value: string): Widget => ({
    textInput: { name, label, hintText, ...(value === '' ? {} : { value }) },
  });
  return {
    header: 'Budget',
    collapsible: true,
    uncollapsibleWidgetsCount: 2,
    widgets: [
      input(layerFields.budget, 'US dollars a month', emptyWords(drawing), String(spec.budgetCap ?? '')),
      limitDropdown(layerFields.budgetLimit, 'budgetCap', drawing),
      input(layerFields.budgetMost, 'Allowed at most, US dollars a month', 'Whole dollars', most),
    ],
  };
}

const agentsSection = (drawing: Drawing): Section => ({
  header: 'Agents',
  widgets: [
    dropdown(
      layerFields.agents,
      'Everybody here has an agent',
      [
        [inherit, inheritWords('agentEnabled', drawing)],
        ['on', 'On'],
        ['off', 'Off, unless a person\u2019s page says on'],
      ],
      drawing.spec.agentEnabled === undefined ? inherit : drawing.spec.agentEnabled ? 'on' : 'off',
    ),
  ],
});

/** What a Viewer sees of a layer, and everybody where a file has the say. */
function readOnly(drawing: Drawing): Section[] {
  const { spec, reader } = drawing;
  const row = (field: Field, title: string): Widget =>
    fact(title, spec[field] === undefined ? inheritWords(field, drawing) : toValueWords(spec[field], reader.formats));
  return [
    {
      widgets: [
        row('agentEnabled', 'Agents'),
        row('modelTier', 'Model'),
        row('budgetCap', 'Budget'),
        row('tools', 'Tools'),
        row('channels', 'Channels'),
        fact('In one line, with limits', toLayerWords(spec, reader.formats)),
      ],
    },
  ];
}

/** Moving and taking away: both are planned before they happen, like any change. */
function layerVerbs({ plane, scope }: Drawing): Section[] {
  const { policies } = plane.definition.spec;
  if (!layerOf(policies, scope)) return [];
  const groups = groupLayers(policies).map(({ match }) => toScope(match));
  const at = groups.indexOf(scope);
  const revision = String(plane.revision);
  return [
    {
      header: 'This policy',
      widgets: [
        ...(at === -1
          ? []
          : [
              fact('Priority', `${String(at + 1)} of ${String(groups.length)} groups`, {
                bottomLabel: 'Where somebody is in two groups, the later one wins.',
              }),
            ]),
        ...buttonRow(
          at > 0 ? toButton('Earlier', 'planMove', { scope, by: '-1', revision }, { type: 'OUTLINED' }) : undefined,
          at !== -1 && at < groups.length - 1
            ? toButton('Later', 'planMove', { scope, by: '1', revision }, { type: 'OUTLINED' })
            : undefined,
          toButton(
            'Clear this policy',
            'planNoLayer',
            { scope, revision },
            { type: 'OUTLINED', altText: 'Clear this policy: everything is inherited again' },
          ),
        ),
      ],
    },
  ];
}

/** One layer: what it says, and what it permits to those below it. Nothing is saved here but a plan. */
export function policyLayerCard(plane: PlaneDefinitionView, scope: string, reader: Reader, notice?: Message): Card {
  const spec = layerOf(plane.definition.spec.policies, scope)?.spec ?? {};
  const drawing: Drawing = { plane, scope, spec, reader };
  const title = toShort(toScopeTitle(scope));
  const back = toButton('Back', 'showPolicies', {});
  const header = { title: `Policy of ${title}`, subtitle: toShort(toLayerWords(spec, reader.formats), 120) };
  if (!mayEdit(plane, reader)) {
    return {
      name: 'policies',
      header,
      sections: [...(notice ? [messageSection(notice)] : []), ...whyReadOnly(plane, reader), ...readOnly(drawing)],
      fixedFooter: { primaryButton: back },
    };
  }
  const target: Actions['planLayer'] = { scope, revision: String(plane.revision) };
  return {
    name: 'policies',
    header,
    sections: [
      ...(notice ? [messageSection(notice)] : []),
      agentsSection(drawing),
      modelSection(drawing),
      budgetSection(drawing),
      listSection('tools', 'Tools', toolNames, drawing),
      listSection('channels', 'Channels', channelNames, drawing),
      ...(spec.machineType === undefined
        ? []
        : [{ widgets: [fact('Machine', spec.machineType, { bottomLabel: 'Kept as it is; the CLI changes it.' })] }]),
      { widgets: [paragraph('Nothing is saved yet: first you see what would change, and for whom.')] },
      ...layerVerbs(drawing),
    ],
    fixedFooter: { primaryButton: toButton('Preview changes', 'planLayer', target, { type: 'FILLED' }), secondaryButton: back },
  };
}
