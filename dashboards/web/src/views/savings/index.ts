import type { View } from '../../view'

export const view: View = {
  path: '/savings',
  name: 'savings',
  icon: 'savings',
  order: 3,
  scopes: ['analyst'],
  load: () => import('./view'),
}
