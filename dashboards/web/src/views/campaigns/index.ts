import type { View } from '../../view'

export const view: View = {
  path: '/campaigns',
  name: 'campaigns',
  icon: 'campaigns',
  order: 6,
  scopes: ['marketer', 'analyst', 'crm'],
  load: () => import('./view'),
}
