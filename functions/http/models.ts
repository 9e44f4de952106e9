import type { Answer } from '../../shared/contract.ts';
import { modelTiers } from '../../shared/agent.ts';
import type { Plane } from '../../shared/plane.ts';
import { tierModels, type ModelMaker } from '../model/models.ts';
import { prices, pricesReadOn } from '../model/prices.ts';
import type { Handlers } from './handlers.ts';

export interface ModelListDeps {
  readonly maker: ModelMaker;
  readonly planeOf: (planeId: string) => Plane;
}

type ModelView = Answer<'listModels'>['models'][number];

/** REQ-MAINT-05: which model serves each tier, in the order in which rows are overruled: the default, the company, its units. */
export function createModelListHandlers({ maker, planeOf }: ModelListDeps): Pick<Handlers, 'listModels'> {
  function toView(tier: ModelView['tier'], origin: string, model: string): ModelView {
    // A prompt of ordinary size; long ones cost more with some models.
    const price = prices[maker][model]?.bands[0];
    return {
      ...{ tier, origin, model },
      inputUsdPerMillion: price?.input ?? null,
      outputUsdPerMillion: price?.output ?? null,
      pricedOn: price ? pricesReadOn : null,
    };
  }

  return {
    async listModels({ params: { planeId } }) {
      const defaults = modelTiers.map((tier) => toView(tier, 'default', tierModels[maker][tier]));
      const named = planeOf(planeId).spec.models.flatMap(({ match, tiers }) =>
        modelTiers.flatMap((tier) => {
          const model = tiers[tier];
          return model === undefined ? [] : [toView(tier, 'ou' in match ? `ou:${match.ou}` : 'organization', model)];
        }),
      );
      return { models: [...defaults, ...named] };
    },
  };
}
