import type { View } from '../../view'

export const view: View = {
  path: '/numbers',
  name: 'numbers',
  icon: 'numbers',
  order: 5,
  scopes: ['crm'],
  load: () => import('./view'),
}
