import type { View } from '../../view'

export const view: View = {
  path: '/settings',
  name: 'settings',
  icon: 'settings',
  order: 8,
  scopes: ['analyst'],
  load: () => import('./view'),
}
