import type { View } from '../../view'

export const view: View = {
  path: '/reach',
  name: 'reach',
  icon: 'reach',
  order: 4,
  scopes: ['marketer', 'analyst', 'crm'],
  load: () => import('./view'),
}
