import type { View } from '../../view'

export const view: View = {
  path: '/channels',
  name: 'channels',
  icon: 'channels',
  order: 2,
  scopes: ['marketer', 'analyst'],
  load: () => import('./view'),
}
