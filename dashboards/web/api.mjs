// Writes src/api/openapi.ts from the OpenAPI document: the types of what the API answers and takes, and which
// parameters its lists and reports take. `make page-types` runs it, and tests/api.test.ts says when it is due.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import openapiTS, { astToString } from 'openapi-typescript'

const METHODS = ['get', 'put', 'post', 'delete']

/** plain is a schema without its words: they are in the document, and in /docs. */
function plain(schema) {
  if (Array.isArray(schema)) return schema.map(plain)
  if (typeof schema !== 'object' || schema === null) return schema
  return Object.fromEntries(Object.entries(schema)
    .filter(([name, value]) => !(name === 'description' && typeof value === 'string') && name !== 'example')
    .map(([name, value]) => [name, plain(value)]))
}

/** resolved is what a reference to a part of the document stands for. */
function resolved(document, part) {
  if (!part?.$ref) return part
  return part.$ref.split('/').slice(1).reduce((at, name) => at[name.replaceAll('~1', '/').replaceAll('~0', '~')], document)
}

function named(operationId) {
  return operationId[0].toUpperCase() + operationId.slice(1)
}

/** generated is the text of src/api/openapi.ts. */
export async function generated(document) {
  const schemas = plain(document.components.schemas)
  const takes = {}
  for (const [path, item] of Object.entries(document.paths)) {
    for (const method of METHODS) {
      const operation = item[method]
      if (!operation) continue
      const name = named(operation.operationId)
      const answer = resolved(document, operation.responses['200'])?.content?.['application/json']?.schema
      const body = resolved(document, operation.requestBody)?.content?.['application/json']?.schema
      if (answer) schemas[name] = plain(answer)
      if (body) schemas[`${name}Body`] = plain(body)
      const query = (operation.parameters ?? []).map((one) => resolved(document, one)).filter((one) => one.in === 'query').map((one) => one.name)
      if (method === 'get' && query.includes('format')) takes[path] = query
      else if (method === 'get' && query.includes('from')) takes[path] = query
    }
  }
  const sorted = Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1)))
  const types = await openapiTS({ openapi: '3.1.0', info: { title: 'Kaskad', version: '' }, paths: {},
    components: { schemas: sorted } },
  { immutable: true, rootTypes: true, rootTypesNoSchemaPrefix: true, emptyObjectsUnknown: true })
  const params = Object.entries(takes).sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, names]) => `  ${JSON.stringify(path)}: ${JSON.stringify(names)},`).join('\n')
  return '// Made from the OpenAPI document by `make page-types`; not to be edited.\n\n' +
    astToString(types.filter((node) => node.name?.text !== 'paths' && node.name?.text !== 'webhooks' &&
      node.name?.text !== 'operations' && node.name?.text !== '$defs')) +
    `\n/** PARAMS are the parameters of each list and report. */\nexport const PARAMS = {\n${params}\n} as const\n`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , from] = process.argv
  const document = JSON.parse(readFileSync(from, 'utf8'))
  writeFileSync(fileURLToPath(new URL('src/api/openapi.ts', import.meta.url)), await generated(document))
}
