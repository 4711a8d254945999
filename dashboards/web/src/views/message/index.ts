import type { View } from '../../view'

export const view: View = {
  path: '/message',
  name: 'message',
  icon: 'message',
  scopes: ['marketer', 'analyst', 'crm'],
  load: () => import('./view'),
}
