/** Finds the sensor, in the way that its reference asks for. Never throws, never blocks, off the packet path. */
import type { Discovery, DiscoveryOptions } from './discovery-options.ts'
import { HostDiscovery } from './host-discovery.ts'
import { LabelDiscovery } from './label-discovery.ts'
import { staticTarget } from './static-target.ts'

export { type ApiAccess, apiAccess } from './api-access.ts'
export { DiscoveryCounters } from './discovery-counters.ts'
export type { Discovery, DiscoveryOptions, DiscoveryState } from './discovery-options.ts'

export function createDiscovery(options: DiscoveryOptions): Discovery {
  switch (options.sensor.kind) {
    case 'label':
      return new LabelDiscovery(options, options.sensor.name)
    case 'host':
      return new HostDiscovery(options, options.sensor.host)
    case 'address':
      return staticTarget(options, options.sensor.address)
  }
}
