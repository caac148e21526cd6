/** A shop without a visitor whose chances are all the same; with a port, where it calls itself. */
import { pino } from 'pino'
import { buildShop, type ShopScope } from '../app.ts'
import { Faults } from '../faults.ts'

export const openShop = async (
  options: { readonly chance?: number; readonly log?: { write(line: string): void } } = {},
): Promise<ShopScope> => {
  const { chance = 0.5, log } = options
  const logger = log === undefined ? pino({ level: 'silent' }) : pino({ base: null }, log)
  const shop: ShopScope = await buildShop({
    loggerOf: (service) => logger.child({ service }),
    faults: new Faults(() => chance),
    random: () => chance,
    version: '1.2.3',
    environment: 'test',
    ownUrl: () => shop.listeningOrigin,
  })
  return shop
}
