/**
 * An OpenAPI document as the TypeScript types that `openapi-fetch` takes. Knows the part of JSON Schema that
 * our document uses and refuses the rest, so that no type is silently wider than what is documented.
 */

type Json = Readonly<Record<string, unknown>>;

const HEADER = `/** Generated from the OpenAPI document by \`npm run openapi\`. Do not edit. */
`;
const METHODS = ['get', 'post', 'put', 'delete'];

/** Text of the module: \`paths\` and \`components\`. */
export function typesOf(document: Json): string {
  const paths = Object.entries(document.paths as Json).map(
    ([path, item]) => `  ${quote(path)}: {\n${pathTypes(item as Json)}  };\n`,
  );
  const { schemas } = document.components as { schemas: Json };
  const named = Object.entries(schemas).map(
    ([name, schema]) => `    ${quote(name)}: ${typeOf(schema as Json)};\n`,
  );
  return `${HEADER}
export interface paths {
${paths.join('')}}

export interface components {
  schemas: {
${named.join('')}  };
}
`;
}

function pathTypes(item: Json): string {
  return METHODS.filter((method) => method in item)
    .map((method) => `    ${method}: {\n${operationTypes(item[method] as Json)}    };\n`)
    .join('');
}

function operationTypes(operation: Json): string {
  const body = operation.requestBody as Json | undefined;
  const optional = body?.required === true ? '' : '?';
  const responses = Object.entries(operation.responses as Json).map(
    ([status, response]) => `        ${status}: { content: ${contentType(response as Json)} };\n`,
  );
  return [
    `      parameters: ${parameterTypes((operation.parameters ?? []) as Json[])};\n`,
    body === undefined ? '' : `      requestBody${optional}: { content: ${contentType(body)} };\n`,
    `      responses: {\n${responses.join('')}      };\n`,
  ].join('');
}

function parameterTypes(parameters: readonly Json[]): string {
  const groups = ['query', 'header', 'path'].map((place) => {
    const here = parameters.filter((one) => one.in === place);
    const optional = here.every((one) => one.required !== true) ? '?' : '';
    if (here.length === 0) return `${place}?: never`;
    return `${place}${optional}: { ${here.map(parameterType).join('; ')} }`;
  });
  return `{ ${groups.join('; ')} }`;
}

function parameterType(parameter: Json): string {
  const optional = parameter.required === true ? '' : '?';
  return `${quote(String(parameter.name))}${optional}: ${typeOf(parameter.schema as Json)}`;
}

function contentType({ content }: Json): string {
  const types = Object.entries((content ?? {}) as Json).map(
    ([type, media]) => `${quote(type)}: ${typeOf((media as Json).schema as Json)}`,
  );
  return types.length === 0 ? 'never' : `{ ${types.join('; ')} }`;
}

function typeOf(schema: Json): string {
  if (typeof schema.$ref === 'string') return `components['schemas'][${quote(nameIn(schema.$ref))}]`;
  if ('const' in schema) return JSON.stringify(schema.const);
  if (Array.isArray(schema.enum)) return union(schema.enum.map((value) => JSON.stringify(value)));
  const options = (schema.anyOf ?? schema.oneOf) as Json[] | undefined;
  if (options !== undefined) return union(options.map(typeOf));
  if (Array.isArray(schema.allOf))
    return (schema.allOf as Json[]).map((one) => `(${typeOf(one)})`).join(' & ');
  if (Array.isArray(schema.type)) return union(schema.type.map((type) => typeOf({ ...schema, type })));
  return plainType(schema);
}

function plainType(schema: Json): string {
  switch (schema.type) {
    case undefined:
      return 'unknown';
    case 'string':
    case 'boolean':
    case 'null':
      return schema.type;
    case 'number':
    case 'integer':
      return 'number';
    case 'array':
      return arrayType(schema);
    case 'object':
      return objectType(schema);
    default:
      throw new TypeError(`no TypeScript type for ${JSON.stringify(schema)}`);
  }
}

function arrayType(schema: Json): string {
  const items = schema.prefixItems as Json[] | undefined;
  if (items !== undefined && schema.items === false) return `[${items.map(typeOf).join(', ')}]`;
  return `(${typeOf((schema.items ?? {}) as Json)})[]`;
}

function objectType(schema: Json): string {
  const required = new Set((schema.required ?? []) as string[]);
  const fields = Object.entries((schema.properties ?? {}) as Json).map(
    ([name, field]) => `${quote(name)}${required.has(name) ? '' : '?'}: ${typeOf(field as Json)}`,
  );
  if (fields.length > 0) return `{ ${fields.join('; ')} }`;
  const rest = schema.additionalProperties;
  if (rest === false) return 'Record<string, never>';
  return `{ [key: string]: ${rest === undefined || rest === true ? 'unknown' : typeOf(rest as Json)} }`;
}

function union(types: readonly string[]): string {
  return [...new Set(types)].join(' | ');
}

function nameIn(reference: string): string {
  return reference.slice(reference.lastIndexOf('/') + 1);
}

function quote(name: string): string {
  return `'${name.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
