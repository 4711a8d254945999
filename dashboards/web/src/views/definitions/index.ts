import type { View } from '../../view'

export const view: View = {
  path: '/definitions',
  name: 'definitions',
  icon: 'definitions',
  order: 10,
  scopes: ['marketer', 'analyst', 'crm'],
  load: () => import('./view'),
}
