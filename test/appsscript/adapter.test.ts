import type { Card, RenderedAction } from '../../appsscript/card.ts';
import { createAdapter } from './sandbox.ts';

describe('the adapter', () => {
  const click = { action: { function: 'onAction', parameters: [{ key: 'do', value: 'home' }], loadIndicator: 'NONE' } } as const;
  const everything: Card = {
    name: 'everything',
    header: { title: 'Everything', subtitle: 'that a card may hold' },
    sections: [
      {
        header: 'Widgets',
        collapsible: true,
        uncollapsibleWidgetsCount: 2,
        widgets: [
          { textParagraph: { text: '<b>x</b>' } },
          { divider: {} },
          {
            decoratedText: {
              topLabel: 'a',
              text: 'b',
              bottomLabel: 'c',
              wrapText: true,
              button: { text: 'd', type: 'BORDERLESS', onClick: click },
            },
          },
          { decoratedText: { startIcon: { materialIcon: { name: 'info' }, altText: 'e' }, text: 'f', onClick: click } },
          { textInput: { name: 'g', label: 'h', hintText: 'i', value: 'j' } },
          {
            selectionInput: {
              name: 'k',
              label: 'l',
              type: 'DROPDOWN',
              items: [{ text: 'm', value: 'n', selected: true }],
              onChangeAction: click.action,
            },
          },
          { grid: { title: 'o', columnCount: 2, items: [{ id: 'p', title: 'q', subtitle: 'r', textAlignment: 'CENTER' }] } },
          { buttonList: { buttons: [{ text: 'x', onClick: { openDynamicLinkAction: click.action } }] } },
          { buttonList: { buttons: [{ text: 's', type: 'OUTLINED', disabled: true, altText: 't', onClick: click }] } },
        ],
      },
    ],
    fixedFooter: { primaryButton: { text: 'u', onClick: click }, secondaryButton: { text: 'v', onClick: click } },
  };

  it('knows every widget of the model', async () => {
    const adapt = await createAdapter();
    expect(adapt('renderCard', everything)).toEqual(everything);
  });

  it('knows every way to answer a click', async () => {
    const answer: RenderedAction = {
      action: {
        navigations: [{ pop: true }, { popToRoot: true }, { pushCard: everything }, { updateCard: everything }],
        notification: { text: 'w' },
        link: { url: 'https://acme.test/' },
      },
      stateChanged: true,
    };
    const adapt = await createAdapter();
    expect(adapt('renderAction', answer)).toEqual(answer);
  });
});
