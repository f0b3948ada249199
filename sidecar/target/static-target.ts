/** The sensor as an IP address: there is nothing to look for. */
import { isIP } from 'node:net'
import { Announcer } from './announcer.ts'
import type { Discovery, DiscoveryOptions } from './discovery-options.ts'
import { seedOf } from './target.ts'
import { systemClock } from './timing.ts'

/** @param address an IP literal, as the setting's parser lets through */
export function staticTarget(options: DiscoveryOptions, address: string): Discovery {
  const announcer = new Announcer(options.onTargets, options.log, options.clock ?? systemClock)
  const family = isIP(address) as 4 | 6
  return {
    start: () => {
      announcer.hand([
        { key: address, address, family, name: address, sameNode: false, cut: 'unknown', seed: seedOf(address) },
      ])
      const missing = options.place.families.has(family) ? '' : `; but this pod has no IPv${family} address`
      announcer.enter('static', `sending to ${address}, as SENSOR says${missing}`)
    },
    stop: () => announcer.silence(),
    get state() {
      return announcer.state
    },
  }
}
