import { testView } from '../../../tests/view'

testView('/definitions', async ({ shows }) => {
  await shows('#open', 'open_rate = open_num / open_den', 'routes that report reads')
  await shows('#saved_reached', 'saved_reached')
})
