/** Generated from the OpenAPI document by `npm run openapi`. Do not edit. */

export interface paths {
  '/healthz': {
    get: {
      parameters: { query?: never; header?: never; path?: never };
      responses: {
        200: { content: { 'application/json': { 'ok': true } } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/v1/health': {
    get: {
      parameters: { query?: never; header?: never; path?: never };
      responses: {
        200: { content: { 'application/json': components['schemas']['Health'] } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Health'] | components['schemas']['Error'] } };
      };
    };
  };
  '/openapi.json': {
    get: {
      parameters: { query?: never; header?: never; path?: never };
      responses: {
        200: { content: { 'application/json': { [key: string]: unknown } } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/v1/keys': {
    get: {
      parameters: { query?: never; header?: never; path?: never };
      responses: {
        200: { content: { 'application/json': { 'keys': ({ 'keyId': string; 'algorithm': "ed25519"; 'publicKeyPem': string })[]; 'trustRoot': components['schemas']['TrustDocument'] | null; 'roots': (components['schemas']['TrustDocument'])[]; 'revocations': components['schemas']['TrustDocument'] | null } } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/v1/keys/trust': {
    put: {
      parameters: { query?: never; header?: never; path?: never };
      requestBody: { content: { 'application/json': { 'roots': (components['schemas']['TrustDocument'])[]; 'revocations': components['schemas']['TrustDocument'] } } };
      responses: {
        200: { content: { 'application/json': { 'ok': true; 'root': number; 'revocations': number } } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        409: { content: { 'application/json': components['schemas']['Error'] } };
        413: { content: { 'application/json': components['schemas']['Error'] } };
        415: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/log/checkpoint': {
    get: {
      parameters: { query?: never; header?: never; path?: never };
      responses: {
        200: { content: { 'text/plain': string } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        404: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/log/key': {
    get: {
      parameters: { query?: never; header?: never; path?: never };
      responses: {
        200: { content: { 'text/plain': string } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        404: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/log/proof/{sha256}': {
    get: {
      parameters: { query?: never; header?: never; path: { 'sha256': string } };
      responses: {
        200: { content: { 'text/plain': string } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        404: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/log/tile/{path}': {
    get: {
      parameters: { query?: never; header?: never; path: { 'path': string } };
      responses: {
        200: { content: { 'application/octet-stream': string } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        404: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/v1/tokens': {
    get: {
      parameters: { query?: { 'cursor'?: string; 'limit'?: number }; header?: never; path?: never };
      responses: {
        200: { content: { 'application/json': { 'tokens': (components['schemas']['Token'])[]; 'nextCursor': string | null } } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
    post: {
      parameters: { query?: never; header?: never; path?: never };
      requestBody: { content: { 'application/json': components['schemas']['NewToken'] } };
      responses: {
        201: { content: { 'application/json': components['schemas']['CreatedToken'] } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        413: { content: { 'application/json': components['schemas']['Error'] } };
        415: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/v1/tokens/{id}': {
    delete: {
      parameters: { query?: never; header?: never; path: { 'id': string } };
      responses: {
        200: { content: { 'application/json': components['schemas']['Token'] } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        404: { content: { 'application/json': components['schemas']['Error'] } };
        413: { content: { 'application/json': components['schemas']['Error'] } };
        415: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/v1/webhooks/secrets': {
    get: {
      parameters: { query?: { 'cursor'?: string; 'limit'?: number }; header?: never; path?: never };
      responses: {
        200: { content: { 'application/json': { 'secrets': (components['schemas']['WebhookSecret'])[]; 'nextCursor': string | null } } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
    post: {
      parameters: { query?: never; header?: never; path?: never };
      requestBody?: { content: { 'application/json': Record<string, never> } };
      responses: {
        201: { content: { 'application/json': components['schemas']['CreatedWebhookSecret'] } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        409: { content: { 'application/json': components['schemas']['Error'] } };
        413: { content: { 'application/json': components['schemas']['Error'] } };
        415: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/v1/webhooks/secrets/{id}': {
    delete: {
      parameters: { query?: never; header?: never; path: { 'id': string } };
      responses: {
        200: { content: { 'application/json': components['schemas']['WebhookSecret'] } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        404: { content: { 'application/json': components['schemas']['Error'] } };
        413: { content: { 'application/json': components['schemas']['Error'] } };
        415: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/v1/owners': {
    get: {
      parameters: { query?: never; header?: never; path?: never };
      responses: {
        200: { content: { 'application/json': { 'owners': (components['schemas']['Owner'])[] } } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
    post: {
      parameters: { query?: never; header?: never; path?: never };
      requestBody: { content: { 'application/json': components['schemas']['NewOwner'] } };
      responses: {
        200: { content: { 'application/json': components['schemas']['Owner'] } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        413: { content: { 'application/json': components['schemas']['Error'] } };
        415: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/v1/owners/{id}': {
    delete: {
      parameters: { query?: never; header?: never; path: { 'id': string } };
      responses: {
        200: { content: { 'application/json': components['schemas']['Owner'] } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        404: { content: { 'application/json': components['schemas']['Error'] } };
        413: { content: { 'application/json': components['schemas']['Error'] } };
        415: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/v1/generations': {
    get: {
      parameters: { query?: { 'status'?: string; 'failing'?: "true"; 'rule'?: string; 'batch'?: string; 'retryOf'?: string; 'model'?: string; 'createdAfter'?: string; 'createdBefore'?: string; 'text'?: string; 'cursor'?: string; 'limit'?: number }; header?: never; path?: never };
      responses: {
        200: { content: { 'application/json': { 'generations': (components['schemas']['Generation'])[]; 'nextCursor': string | null } } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
    post: {
      parameters: { query?: never; header?: { 'idempotency-key'?: string }; path?: never };
      requestBody: { content: { 'application/json': components['schemas']['Request'] } };
      responses: {
        200: { content: { 'application/json': components['schemas']['Generation'] } };
        202: { content: { 'application/json': components['schemas']['Generation'] } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        409: { content: { 'application/json': components['schemas']['Error'] } };
        413: { content: { 'application/json': components['schemas']['Error'] } };
        415: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/v1/generations/{id}': {
    get: {
      parameters: { query?: never; header?: never; path: { 'id': string } };
      responses: {
        200: { content: { 'application/json': components['schemas']['GenerationDetail'] } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        404: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
    delete: {
      parameters: { query?: { 'rule'?: "true" }; header?: never; path: { 'id': string } };
      responses: {
        200: { content: { 'application/json': components['schemas']['Deletion'] } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        404: { content: { 'application/json': components['schemas']['Error'] } };
        409: { content: { 'application/json': components['schemas']['Error'] } };
        413: { content: { 'application/json': components['schemas']['Error'] } };
        415: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/v1/generations/{id}/events': {
    get: {
      parameters: { query?: { 'after'?: number }; header?: { 'last-event-id'?: string }; path: { 'id': string } };
      responses: {
        200: { content: { 'application/json': { 'events': (components['schemas']['GenerationEvent'])[] }; 'text/event-stream': string } };
        204: { content: never };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        404: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/v1/generations/{id}/retry': {
    post: {
      parameters: { query?: never; header?: { 'idempotency-key'?: string }; path: { 'id': string } };
      requestBody?: { content: { 'application/json': components['schemas']['Retry'] } };
      responses: {
        200: { content: { 'application/json': components['schemas']['Generation'] } };
        202: { content: { 'application/json': components['schemas']['Generation'] } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        404: { content: { 'application/json': components['schemas']['Error'] } };
        409: { content: { 'application/json': components['schemas']['Error'] } };
        413: { content: { 'application/json': components['schemas']['Error'] } };
        415: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/v1/generations/{id}/cancel': {
    post: {
      parameters: { query?: never; header?: never; path: { 'id': string } };
      responses: {
        200: { content: { 'application/json': components['schemas']['GenerationDetail'] } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        404: { content: { 'application/json': components['schemas']['Error'] } };
        409: { content: { 'application/json': components['schemas']['Error'] } };
        413: { content: { 'application/json': components['schemas']['Error'] } };
        415: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/v1/generations/{id}/request': {
    get: {
      parameters: { query?: never; header?: never; path: { 'id': string } };
      responses: {
        200: { content: { 'application/json': components['schemas']['RequestOutput'] } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        404: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/v1/generations/{id}/attempts/{n}/rule': {
    get: {
      parameters: { query?: never; header?: never; path: { 'id': string; 'n': string } };
      responses: {
        200: { content: { 'application/json': components['schemas']['RuleToRun'] } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        404: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/v1/generations/{id}/attempts/{n}/report': {
    get: {
      parameters: { query?: never; header?: never; path: { 'id': string; 'n': string } };
      responses: {
        200: { content: { 'application/json': components['schemas']['Report'] } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        404: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/v1/generations/{id}/attempts/{n}/confirmation': {
    get: {
      parameters: { query?: never; header?: never; path: { 'id': string; 'n': string } };
      responses: {
        200: { content: { 'application/json': components['schemas']['Report'] } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        404: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/v1/generations/{id}/attempts/{n}/feedback': {
    get: {
      parameters: { query?: never; header?: never; path: { 'id': string; 'n': string } };
      responses: {
        200: { content: { 'text/plain': string } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        404: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/v1/rules': {
    get: {
      parameters: { query?: { 'name'?: string; 'key'?: string; 'model'?: string; 'engineVersion'?: string; 'signedAfter'?: string; 'signedBefore'?: string; 'cursor'?: string; 'limit'?: number }; header?: never; path?: never };
      responses: {
        200: { content: { 'application/json': { 'rules': (components['schemas']['SignedRule'])[]; 'nextCursor': string | null } } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/v1/rules/{id}': {
    get: {
      parameters: { query?: never; header?: never; path: { 'id': string } };
      responses: {
        200: { content: { 'application/json': components['schemas']['SignedRuleFiles'] } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        404: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/v1/rules/{id}/bundle': {
    get: {
      parameters: { query?: never; header?: never; path: { 'id': string } };
      responses: {
        200: { content: { 'application/vnd.dev.sigstore.bundle.v0.3+json': { 'mediaType': "application/vnd.dev.sigstore.bundle.v0.3+json"; 'verificationMaterial': { 'publicKey': { 'hint': string } }; 'dsseEnvelope': { 'payload': string; 'payloadType': "application/vnd.in-toto+json"; 'signatures': [{ 'sig': string; 'keyid': string }] } } } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        404: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/v1/rules/{id}/proof': {
    get: {
      parameters: { query?: never; header?: never; path: { 'id': string } };
      responses: {
        200: { content: { 'text/plain': string } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        404: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/v1/batches': {
    get: {
      parameters: { query?: { 'cursor'?: string; 'limit'?: number }; header?: never; path?: never };
      responses: {
        200: { content: { 'application/json': { 'batches': (components['schemas']['Batch'])[]; 'nextCursor': string | null } } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
    post: {
      parameters: { query?: never; header?: { 'idempotency-key'?: string }; path?: never };
      requestBody: { content: { 'application/json': components['schemas']['NewBatch'] } };
      responses: {
        200: { content: { 'application/json': components['schemas']['BatchDetail'] } };
        202: { content: { 'application/json': components['schemas']['BatchDetail'] } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        404: { content: { 'application/json': components['schemas']['Error'] } };
        409: { content: { 'application/json': components['schemas']['Error'] } };
        413: { content: { 'application/json': components['schemas']['Error'] } };
        415: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/v1/batches/{id}': {
    get: {
      parameters: { query?: never; header?: never; path: { 'id': string } };
      responses: {
        200: { content: { 'application/json': components['schemas']['BatchDetail'] } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        404: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/v1/batches/{id}/items': {
    get: {
      parameters: { query?: { 'status'?: string; 'cursor'?: string; 'limit'?: number }; header?: never; path: { 'id': string } };
      responses: {
        200: { content: { 'application/json': { 'items': (components['schemas']['BatchItem'])[]; 'nextCursor': string | null } } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        404: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/v1/batches/{id}/pause': {
    post: {
      parameters: { query?: never; header?: never; path: { 'id': string } };
      responses: {
        200: { content: { 'application/json': components['schemas']['BatchDetail'] } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        404: { content: { 'application/json': components['schemas']['Error'] } };
        409: { content: { 'application/json': components['schemas']['Error'] } };
        413: { content: { 'application/json': components['schemas']['Error'] } };
        415: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/v1/batches/{id}/resume': {
    post: {
      parameters: { query?: never; header?: never; path: { 'id': string } };
      requestBody?: { content: { 'application/json': { 'costUsdMax'?: number } } };
      responses: {
        200: { content: { 'application/json': components['schemas']['BatchDetail'] } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        404: { content: { 'application/json': components['schemas']['Error'] } };
        409: { content: { 'application/json': components['schemas']['Error'] } };
        413: { content: { 'application/json': components['schemas']['Error'] } };
        415: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/v1/batches/{id}/cancel': {
    post: {
      parameters: { query?: never; header?: never; path: { 'id': string } };
      responses: {
        200: { content: { 'application/json': components['schemas']['BatchDetail'] } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        404: { content: { 'application/json': components['schemas']['Error'] } };
        409: { content: { 'application/json': components['schemas']['Error'] } };
        413: { content: { 'application/json': components['schemas']['Error'] } };
        415: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/v1/batches/{id}/retry-failed': {
    post: {
      parameters: { query?: never; header?: never; path: { 'id': string } };
      responses: {
        200: { content: { 'application/json': components['schemas']['BatchDetail'] } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        404: { content: { 'application/json': components['schemas']['Error'] } };
        409: { content: { 'application/json': components['schemas']['Error'] } };
        413: { content: { 'application/json': components['schemas']['Error'] } };
        415: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/v1/rules/{id}/sidecars/{format}': {
    get: {
      parameters: { query?: never; header?: never; path: { 'id': string; 'format': string } };
      responses: {
        200: { content: { 'application/json': { 'format': "minisign" | "signify" | "ssh"; 'bundleSha256': string; 'keyId': string; 'files': { [key: string]: string }; 'commands': (string)[] } } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        404: { content: { 'application/json': components['schemas']['Error'] } };
        409: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/v1/deliveries': {
    get: {
      parameters: { query?: { 'generation'?: string; 'batch'?: string; 'status'?: string; 'cursor'?: string; 'limit'?: number }; header?: never; path?: never };
      responses: {
        200: { content: { 'application/json': { 'deliveries': (components['schemas']['Delivery'])[]; 'nextCursor': string | null } } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/v1/deliveries/{id}': {
    get: {
      parameters: { query?: never; header?: never; path: { 'id': string } };
      responses: {
        200: { content: { 'application/json': components['schemas']['DeliveryDetail'] } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        404: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/v1/deliveries/{id}/retry': {
    post: {
      parameters: { query?: never; header?: never; path: { 'id': string } };
      responses: {
        202: { content: { 'application/json': components['schemas']['DeliveryDetail'] } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        404: { content: { 'application/json': components['schemas']['Error'] } };
        413: { content: { 'application/json': components['schemas']['Error'] } };
        415: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/v1/verify': {
    post: {
      parameters: { query?: never; header?: never; path?: never };
      requestBody: { content: { 'application/json': { 'files': { [key: string]: string }; 'policy'?: { 'version': 1; 'signers'?: (string)[]; 'engines'?: ("runtime" | "sg")[]; 'minCases'?: { 'valid'?: number; 'invalid'?: number }; 'minHeldOut'?: number; 'minVariants'?: number; 'sandboxes'?: ("container" | "host" | "isolate")[]; 'isolation'?: ("tcpBlocked" | "dnsBlocked" | "loopbackBlocked" | "outsideWriteBlocked" | "caseWriteBlocked" | "hostFilesHidden" | "hostProcessesHidden" | "environmentCleared" | "uidDropped" | "capabilitiesDropped" | "noNewPrivileges")[]; 'confirmation'?: boolean; 'models'?: (string)[]; 'forbid'?: ("readsFiles" | "startsProcesses" | "usesNetwork")[]; 'imports'?: (string)[]; 'maxAgeDays'?: number; 'logged'?: boolean; 'egress'?: (string)[] } } } };
      responses: {
        200: { content: { 'application/json': { 'ok': true; 'keyId': string; 'signer': string; 'bundleSha256': string; 'log': { 'index': number; 'size': number } | null; 'statement': { '_type': "https://in-toto.io/Statement/v1"; 'subject': ({ 'name': string; 'digest': { 'sha256': string } })[]; 'predicateType': "https://assay.alt/spec/verified-rule/v1"; 'predicate': { 'rule': { 'name': string; 'summary': string; 'size': { 'captures': number; 'captureLines': number; 'checkLines': number; 'checkBytes': number }; 'capabilities': { 'imports': (string)[]; 'readsFiles': boolean; 'startsProcesses': boolean; 'usesNetwork': boolean; 'hosts': (string)[] }; 'engine': "runtime"; 'checkEnvelope': string } | { 'name': string; 'summary': string; 'size': { 'captures': number; 'captureLines': number; 'checkLines': number; 'checkBytes': number }; 'capabilities': { 'imports': (string)[]; 'readsFiles': boolean; 'startsProcesses': boolean; 'usesNetwork': boolean; 'hosts': (string)[] }; 'engine': "sg"; 'language': string; 'message': string; 'severity': "error" | "warning" | "info" }; 'request': { 'sha256': string; 'promptSha256': string }; 'cases': ({ 'name': string; 'kind': "valid" | "invalid"; 'directory': string; 'sha256': string; 'status': "validated" | "reported"; 'matches': number; 'findings': number })[]; 'heldOut': ({ 'kind': "valid" | "invalid"; 'sha256': string; 'status': "validated" | "reported"; 'matches': number; 'findings': number })[] | null; 'variants': ({ 'of': string; 'transformation': string; 'sha256': string; 'status': "validated" | "reported"; 'findings': number })[] | null; 'generation': { 'id': string; 'attempts': number }; 'model': { 'id': string; 'promptVersion': string; 'promptSha256': string; 'replySha256': string }; 'sandbox': { 'kind': "container" | "host" | "isolate"; 'build': { 'id': string; 'node': string; 'astGrep': string }; 'isolation': { 'jail': "bubblewrap" | "util-linux" | "process" | "workerd" | "worker-loader"; 'flags': { [key: string]: boolean }; 'measuredAt': string } }; 'confirmation': { 'kind': "container" | "host" | "isolate"; 'build': { 'id': string; 'node': string; 'astGrep': string }; 'isolation': { 'jail': "bubblewrap" | "util-linux" | "process" | "workerd" | "worker-loader"; 'flags': { [key: string]: boolean }; 'measuredAt': string } } | null; 'limits': { 'caseTimeoutMs': number }; 'verifiedAt': string; 'signedAt': string } } } | { 'ok': false; 'reason': "policy"; 'violations': ({ 'reason': string; 'message': string })[]; 'keyId': string; 'signer': string; 'bundleSha256': string; 'log': { 'index': number; 'size': number } | null; 'statement': { '_type': "https://in-toto.io/Statement/v1"; 'subject': ({ 'name': string; 'digest': { 'sha256': string } })[]; 'predicateType': "https://assay.alt/spec/verified-rule/v1"; 'predicate': { 'rule': { 'name': string; 'summary': string; 'size': { 'captures': number; 'captureLines': number; 'checkLines': number; 'checkBytes': number }; 'capabilities': { 'imports': (string)[]; 'readsFiles': boolean; 'startsProcesses': boolean; 'usesNetwork': boolean; 'hosts': (string)[] }; 'engine': "runtime"; 'checkEnvelope': string } | { 'name': string; 'summary': string; 'size': { 'captures': number; 'captureLines': number; 'checkLines': number; 'checkBytes': number }; 'capabilities': { 'imports': (string)[]; 'readsFiles': boolean; 'startsProcesses': boolean; 'usesNetwork': boolean; 'hosts': (string)[] }; 'engine': "sg"; 'language': string; 'message': string; 'severity': "error" | "warning" | "info" }; 'request': { 'sha256': string; 'promptSha256': string }; 'cases': ({ 'name': string; 'kind': "valid" | "invalid"; 'directory': string; 'sha256': string; 'status': "validated" | "reported"; 'matches': number; 'findings': number })[]; 'heldOut': ({ 'kind': "valid" | "invalid"; 'sha256': string; 'status': "validated" | "reported"; 'matches': number; 'findings': number })[] | null; 'variants': ({ 'of': string; 'transformation': string; 'sha256': string; 'status': "validated" | "reported"; 'findings': number })[] | null; 'generation': { 'id': string; 'attempts': number }; 'model': { 'id': string; 'promptVersion': string; 'promptSha256': string; 'replySha256': string }; 'sandbox': { 'kind': "container" | "host" | "isolate"; 'build': { 'id': string; 'node': string; 'astGrep': string }; 'isolation': { 'jail': "bubblewrap" | "util-linux" | "process" | "workerd" | "worker-loader"; 'flags': { [key: string]: boolean }; 'measuredAt': string } }; 'confirmation': { 'kind': "container" | "host" | "isolate"; 'build': { 'id': string; 'node': string; 'astGrep': string }; 'isolation': { 'jail': "bubblewrap" | "util-linux" | "process" | "workerd" | "worker-loader"; 'flags': { [key: string]: boolean }; 'measuredAt': string } } | null; 'limits': { 'caseTimeoutMs': number }; 'verifiedAt': string; 'signedAt': string } } } | { 'ok': false; 'reason': string; 'message': string } } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        413: { content: { 'application/json': components['schemas']['Error'] } };
        415: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/cli/auth/device': {
    post: {
      parameters: { query?: never; header?: never; path?: never };
      requestBody: { content: { 'application/json': { 'client_id': "taskless-cli"; 'repository_url'?: string } } };
      responses: {
        200: { content: { 'application/json': { 'device_code': string; 'user_code': string; 'verification_uri': string; 'verification_uri_complete': string; 'expires_in': number; 'interval': number } } };
        400: { content: { 'application/json': components['schemas']['TasklessError'] } };
        413: { content: { 'application/json': components['schemas']['TasklessError'] } };
        415: { content: { 'application/json': components['schemas']['TasklessError'] } };
        429: { content: { 'application/json': components['schemas']['TasklessError'] } };
        500: { content: { 'application/json': components['schemas']['TasklessError'] } };
        503: { content: { 'application/json': components['schemas']['TasklessError'] | components['schemas']['Error'] } };
      };
    };
  };
  '/cli/auth/token': {
    post: {
      parameters: { query?: never; header?: never; path?: never };
      requestBody: { content: { 'application/json': { 'grant_type': string; 'device_code': string; 'client_id': string } } };
      responses: {
        200: { content: { 'application/json': { 'access_token': string; 'token_type': "Bearer"; 'expires_in': number } | { 'error': "authorization_pending" | "slow_down" | "expired_token" | "access_denied" | "invalid_grant" | "invalid_client" | "invalid_request" | "unsupported_grant_type" } } };
        500: { content: { 'application/json': components['schemas']['TasklessError'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/cli/auth/verify': {
    get: {
      parameters: { query?: { 'user_code'?: string }; header?: never; path?: never };
      responses: {
        200: { content: { 'text/html': string } };
        400: { content: { 'text/html': string } };
        401: { content: { 'text/html': string } };
        403: { content: { 'text/html': string } };
        404: { content: { 'text/html': string } };
        413: { content: { 'text/html': string } };
        415: { content: { 'text/html': string } };
        429: { content: { 'text/html': string } };
        500: { content: { 'text/html': string } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
    post: {
      parameters: { query?: never; header?: never; path?: never };
      requestBody: { content: { 'application/x-www-form-urlencoded': { 'user_code': string; 'token': string; 'decision': "approve" | "deny" } } };
      responses: {
        200: { content: { 'text/html': string } };
        400: { content: { 'text/html': string } };
        401: { content: { 'text/html': string } };
        403: { content: { 'text/html': string } };
        404: { content: { 'text/html': string } };
        413: { content: { 'text/html': string } };
        415: { content: { 'text/html': string } };
        429: { content: { 'text/html': string } };
        500: { content: { 'text/html': string } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/cli/api/whoami': {
    get: {
      parameters: { query?: never; header?: never; path?: never };
      responses: {
        200: { content: { 'application/json': { 'user': string; 'email': ""; 'orgs': ({ 'id': string; 'name': string; 'source': "github"; 'url': string; 'orgId'?: number; 'githubOrgId'?: number })[] } } };
        400: { content: { 'application/json': components['schemas']['TasklessError'] } };
        401: { content: { 'application/json': components['schemas']['TasklessError'] } };
        403: { content: { 'application/json': components['schemas']['TasklessError'] } };
        429: { content: { 'application/json': components['schemas']['TasklessError'] } };
        500: { content: { 'application/json': components['schemas']['TasklessError'] } };
        503: { content: { 'application/json': components['schemas']['TasklessError'] | components['schemas']['Error'] } };
      };
    };
  };
  '/cli/api/rule': {
    post: {
      parameters: { query?: never; header?: { 'x-taskless-cli-version'?: string }; path?: never };
      requestBody: { content: { 'application/json': { 'orgId': string | number; 'repositoryUrl': string; 'prompt': string; 'successCases'?: (string)[]; 'failureCases'?: (string)[] } } };
      responses: {
        200: { content: { 'application/json': { 'ruleId': string; 'status': "accepted" } } };
        400: { content: { 'application/json': components['schemas']['TasklessError'] } };
        401: { content: { 'application/json': components['schemas']['TasklessError'] } };
        403: { content: { 'application/json': components['schemas']['TasklessError'] } };
        404: { content: { 'application/json': components['schemas']['TasklessError'] } };
        413: { content: { 'application/json': components['schemas']['TasklessError'] } };
        415: { content: { 'application/json': components['schemas']['TasklessError'] } };
        429: { content: { 'application/json': components['schemas']['TasklessError'] } };
        500: { content: { 'application/json': components['schemas']['TasklessError'] } };
        503: { content: { 'application/json': components['schemas']['TasklessError'] | components['schemas']['Error'] } };
      };
    };
  };
  '/cli/api/rule/{id}': {
    get: {
      parameters: { query?: never; header?: never; path: { 'id': string } };
      responses: {
        200: { content: { 'application/json': { 'ruleId': string; 'status': "accepted" | "classifying" | "building" | "generated" | "failed"; 'error'?: string; 'rules'?: ({ 'id': string; 'engine': "sg"; 'content': { [key: string]: unknown }; 'tests'?: { 'valid': (string)[]; 'invalid': (string)[] } })[]; 'meta'?: { [key: string]: { 'ticketId': string; 'generatedAt': string; 'schemaVersion': string } }; 'assay'?: { 'generation': string; 'rule': string | null; 'engine': string | null; 'bundleSha256'?: string; 'bundle'?: string; 'proof'?: string } } } };
        400: { content: { 'application/json': components['schemas']['TasklessError'] } };
        401: { content: { 'application/json': components['schemas']['TasklessError'] } };
        403: { content: { 'application/json': components['schemas']['TasklessError'] } };
        404: { content: { 'application/json': components['schemas']['TasklessError'] } };
        429: { content: { 'application/json': components['schemas']['TasklessError'] } };
        500: { content: { 'application/json': components['schemas']['TasklessError'] } };
        503: { content: { 'application/json': components['schemas']['TasklessError'] | components['schemas']['Error'] } };
      };
    };
  };
  '/cli/api/rule/{id}/iterate': {
    post: {
      parameters: { query?: never; header?: never; path: { 'id': string } };
      requestBody: { content: { 'application/json': { 'orgId': string | number; 'guidance': string; 'references'?: ({ 'filename': string; 'content': string })[] } } };
      responses: {
        200: { content: { 'application/json': { 'requestId': string; 'status': "accepted" } } };
        400: { content: { 'application/json': components['schemas']['TasklessError'] } };
        401: { content: { 'application/json': components['schemas']['TasklessError'] } };
        403: { content: { 'application/json': components['schemas']['TasklessError'] } };
        404: { content: { 'application/json': components['schemas']['TasklessError'] } };
        413: { content: { 'application/json': components['schemas']['TasklessError'] } };
        415: { content: { 'application/json': components['schemas']['TasklessError'] } };
        429: { content: { 'application/json': components['schemas']['TasklessError'] } };
        500: { content: { 'application/json': components['schemas']['TasklessError'] } };
        503: { content: { 'application/json': components['schemas']['TasklessError'] | components['schemas']['Error'] } };
      };
    };
  };
  '/cli/api/reconcile': {
    post: {
      parameters: { query?: never; header?: never; path?: never };
      requestBody: { content: { 'application/json': { 'orgId'?: string | number; 'repositoryUrl': string; 'files': ({ 'file': string; 'signature': string })[] } } };
      responses: {
        200: { content: { 'application/json': { 'run': ({ 'ruleId': string; 'file': string; 'signature': string })[]; 'unsafe': ({ 'file': string; 'expected': string; 'got': string })[]; 'unknown': ({ 'file': string })[]; 'missing': ({ 'ruleId': string; 'file': string })[] } } };
        400: { content: { 'application/json': components['schemas']['TasklessError'] } };
        401: { content: { 'application/json': components['schemas']['TasklessError'] } };
        403: { content: { 'application/json': components['schemas']['TasklessError'] } };
        404: { content: { 'application/json': components['schemas']['TasklessError'] } };
        413: { content: { 'application/json': components['schemas']['TasklessError'] } };
        415: { content: { 'application/json': components['schemas']['TasklessError'] } };
        429: { content: { 'application/json': components['schemas']['TasklessError'] } };
        500: { content: { 'application/json': components['schemas']['TasklessError'] } };
        503: { content: { 'application/json': components['schemas']['TasklessError'] | components['schemas']['Error'] } };
      };
    };
  };
  '/cli/api/rule-hash-vectors': {
    get: {
      parameters: { query?: never; header?: never; path?: never };
      responses: {
        200: { content: { 'application/json': { 'vectors': ({ 'name': string; 'input': string; 'signature': string })[] } } };
        400: { content: { 'application/json': components['schemas']['TasklessError'] } };
        500: { content: { 'application/json': components['schemas']['TasklessError'] } };
        503: { content: { 'application/json': components['schemas']['TasklessError'] | components['schemas']['Error'] } };
      };
    };
  };
  '/cli/api': {
    get: {
      parameters: { query?: never; header?: never; path?: never };
      responses: {
        200: { content: { 'application/json': { 'name': string; 'schema': string; 'endpoints': ({ 'method': string; 'path': string; 'summary': string; 'token': boolean })[] } } };
        400: { content: { 'application/json': components['schemas']['TasklessError'] } };
        500: { content: { 'application/json': components['schemas']['TasklessError'] } };
        503: { content: { 'application/json': components['schemas']['TasklessError'] | components['schemas']['Error'] } };
      };
    };
  };
  '/cli/api/__schema': {
    get: {
      parameters: { query?: never; header?: never; path?: never };
      responses: {
        200: { content: { 'application/json': { [key: string]: unknown } } };
        400: { content: { 'application/json': components['schemas']['TasklessError'] } };
        500: { content: { 'application/json': components['schemas']['TasklessError'] } };
        503: { content: { 'application/json': components['schemas']['TasklessError'] | components['schemas']['Error'] } };
      };
    };
  };
  '/v1/metrics': {
    get: {
      parameters: { query?: { 'since'?: string; 'until'?: string }; header?: never; path?: never };
      responses: {
        200: { content: { 'application/json': components['schemas']['Metrics']; 'application/openmetrics-text': string } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
  '/v1/organisation': {
    get: {
      parameters: { query?: never; header?: never; path?: never };
      responses: {
        200: { content: { 'application/json': components['schemas']['Organisation'] } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
    delete: {
      parameters: { query: { 'confirm': string }; header?: never; path?: never };
      responses: {
        202: { content: { 'application/json': components['schemas']['Organisation'] } };
        400: { content: { 'application/json': components['schemas']['Error'] } };
        401: { content: { 'application/json': components['schemas']['Error'] } };
        403: { content: { 'application/json': components['schemas']['Error'] } };
        413: { content: { 'application/json': components['schemas']['Error'] } };
        415: { content: { 'application/json': components['schemas']['Error'] } };
        429: { content: { 'application/json': components['schemas']['Error'] } };
        500: { content: { 'application/json': components['schemas']['Error'] } };
        503: { content: { 'application/json': components['schemas']['Error'] } };
      };
    };
  };
}

export interface components {
  schemas: {
    'Attempt': { 'n': number; 'verdict': "accepted" | "rejected" | "inconclusive" | null; 'summary': string | null; 'size': { 'captures': number; 'checkLines': number } | null; 'casesPassed': number | null; 'sandboxMs': number | null; 'startedAt': string; 'endedAt': string | null; 'cases': (components['schemas']['CaseSummary'])[] };
    'BatchEnded': { 'type': "batch.ended"; 'timestamp': string; 'data': { 'batchId': string; 'status': "running" | "paused" | "done" | "cancelled"; 'reason': { 'code': string }; 'name': string | null; 'mode': "regenerate" | "reverify"; 'items': { 'signed': number; 'failed': number; 'errored': number; 'cancelled': number; 'underWay': number } } };
    'CaseSummary': { 'name': string; 'kind': "valid" | "invalid"; 'status': "validated" | "reported" | "noisy" | "missing" | "error"; 'outcome': "exited" | "signalled" | "timed_out" | "memory_exceeded" | "output_exceeded" | "process_limit" | "invalid_result" | "host_error"; 'message'?: string; 'durationMs': number };
    'DeliveryAttempt': { 'round': number; 'n': number; 'startedAt': string; 'durationMs': number | null; 'status': number | null; 'problem': "TIMEOUT" | "UNREACHABLE" | "REFUSED" | "NO_SECRET" | "NOT_CONFIGURED" | null };
    'GenerationEnded': { 'type': "generation.signed" | "generation.failed" | "generation.errored" | "generation.cancelled"; 'timestamp': string; 'data': { 'generationId': string; 'status': "queued" | "running" | "signed" | "failed" | "rejected" | "cancelled" | "errored"; 'reason': { 'code': string }; 'name': string | null; 'ruleId': string | null; 'bundleSha256': string | null; 'retryOf': string | null; 'batchId': string | null } };
    'NewBatch': { 'mode': "regenerate" | "reverify"; 'generations'?: (string)[]; 'rules'?: (string)[]; 'filter'?: { 'signedBefore'?: string; 'astGrep'?: string; 'node'?: string; 'keyId'?: string; 'model'?: string; 'name'?: string }; 'requests'?: (components['schemas']['Request'])[]; 'name'?: string; 'concurrency'?: number; 'costUsdMax'?: number; 'window'?: { 'notBefore'?: string; 'dailyFrom'?: string; 'dailyTo'?: string }; 'economy'?: boolean; 'model'?: string; 'callbackUrl'?: string };
    'NewOwner': { 'owner': string; 'name'?: string; 'githubId'?: number; 'repositories'?: (string)[] };
    'NewToken': { 'name': string; 'scopes': ("generate" | "read" | "admin")[]; 'expiresInDays'?: number };
    'Request': { 'name'?: string; 'prompt': string; 'guidance'?: string; 'engine'?: "runtime" | "sg" | "auto"; 'language'?: string; 'severity'?: "error" | "warning" | "info"; 'egress'?: (string)[]; 'cases': ({ 'name': string; 'kind': "valid" | "invalid"; 'files': { [key: string]: string }; 'findings'?: ({ 'file': string; 'line'?: number; 'message'?: string })[] })[]; 'limits'?: { 'attempts'?: number; 'caseTimeoutMs'?: number; 'costUsd'?: number }; 'callbackUrl'?: string };
    'Retry': { 'guidance'?: string; 'attempts'?: number; 'model'?: string; 'fromAttempt'?: number; 'force'?: boolean };
    'TrustDocument': { 'payload': string; 'payloadType': string; 'signatures': ({ 'keyid': string; 'sig': string })[] };
    'Batch': { 'id': string; 'mode': "regenerate" | "reverify"; 'status': "running" | "paused" | "done" | "cancelled"; 'reason': { 'code': string; 'message': string } | null; 'name': string | null; 'model': string | null; 'items': number; 'concurrency': number; 'costUsdMax': number | null; 'window': { 'notBefore': string | null; 'dailyFrom': string | null; 'dailyTo': string | null } | null; 'shutUntil': string | null; 'economy': boolean; 'createdAt': string; 'updatedAt': string; 'endedAt': string | null };
    'BatchDetail': { 'id': string; 'mode': "regenerate" | "reverify"; 'status': "running" | "paused" | "done" | "cancelled"; 'reason': { 'code': string; 'message': string } | null; 'name': string | null; 'model': string | null; 'items': number; 'concurrency': number; 'costUsdMax': number | null; 'window': { 'notBefore': string | null; 'dailyFrom': string | null; 'dailyTo': string | null } | null; 'shutUntil': string | null; 'economy': boolean; 'createdAt': string; 'updatedAt': string; 'endedAt': string | null; 'progress': { 'waiting': number; 'underWay': number; 'asked': number; 'signed': number; 'failed': number; 'rejected': number; 'cancelled': number; 'errored': number }; 'spend': { 'costUsd': number | null }; 'eta': string | null };
    'BatchItem': { 'position': number; 'status': "waiting" | "started" | "signed" | "failed" | "rejected" | "cancelled" | "errored"; 'reason': { 'code': string; 'message': string } | null; 'sourceGeneration': string | null; 'sourceRule': string | null; 'round': number; 'generationId': string | null; 'lastGenerationId': string | null; 'startedAt': string | null; 'endedAt': string | null };
    'CreatedToken': { 'id': string; 'name': string; 'scopes': ("generate" | "read" | "admin")[]; 'createdAt': string; 'expiresAt': string | null; 'lastUsedAt': string | null; 'revokedAt': string | null; 'token': string };
    'CreatedWebhookSecret': { 'id': string; 'createdAt': string; 'revokedAt': string | null; 'secret': string };
    'Delivery': { 'id': string; 'status': "pending" | "delivered" | "failed" | "gone" | "refused"; 'event': string; 'subject': { 'kind': "generation" | "batch"; 'id': string }; 'url': string; 'round': number; 'createdAt': string; 'nextAttemptAt': string | null; 'endedAt': string | null };
    'DeliveryDetail': { 'id': string; 'status': "pending" | "delivered" | "failed" | "gone" | "refused"; 'event': string; 'subject': { 'kind': "generation" | "batch"; 'id': string }; 'url': string; 'round': number; 'createdAt': string; 'nextAttemptAt': string | null; 'endedAt': string | null; 'body': string; 'attempts': (components['schemas']['DeliveryAttempt'])[] };
    'Deletion': { 'id': string; 'requestedAt': string; 'doneAt': string | null };
    'Error': { 'ok': false; 'code': string; 'message': string; 'details'?: unknown };
    'Generation': { 'id': string; 'status': "queued" | "running" | "signed" | "failed" | "rejected" | "cancelled" | "errored"; 'reason': { 'code': string; 'message': string } | null; 'name': string | null; 'prompt': string; 'model': string; 'engine': "runtime" | "sg" | null; 'engineReason': string | null; 'step': string; 'attempt': number; 'attemptsMax': number; 'cases': { 'total': number; 'passed': number }; 'ruleId': string | null; 'retryOf': string | null; 'fromAttempt': number | null; 'batchId': string | null; 'reverifies': string | null; 'stepRetries': number; 'createdAt': string; 'updatedAt': string; 'endedAt': string | null };
    'GenerationDetail': { 'id': string; 'status': "queued" | "running" | "signed" | "failed" | "rejected" | "cancelled" | "errored"; 'reason': { 'code': string; 'message': string } | null; 'name': string | null; 'prompt': string; 'model': string; 'engine': "runtime" | "sg" | null; 'engineReason': string | null; 'step': string; 'attempt': number; 'attemptsMax': number; 'cases': { 'total': number; 'passed': number }; 'ruleId': string | null; 'retryOf': string | null; 'fromAttempt': number | null; 'batchId': string | null; 'reverifies': string | null; 'stepRetries': number; 'createdAt': string; 'updatedAt': string; 'endedAt': string | null; 'retriedBy': (string)[]; 'attempts': (components['schemas']['Attempt'])[]; 'spend': { 'calls': number; 'unanswered': number; 'inputTokens': number; 'outputTokens': number; 'costUsd': number | null } };
    'GenerationEvent': { 'seq': number; 'type': "queued" | "started" | "classified" | "model_called" | "replied" | "inspected" | "verified" | "confirmed" | "judged" | "ended"; 'data': { [key: string]: unknown }; 'at': string };
    'Owner': { 'id': string; 'owner': string; 'name': string; 'url': string; 'githubId': number | null; 'repositories': (string)[] | null; 'createdAt': string };
    'Health': { 'state': "ok" | "degraded" | "down"; 'checkedAt': string; 'parts': ({ 'part': string; 'state': "ok" | "degraded" | "down"; 'message': string; 'next': string | null })[] };
    'Metrics': { 'since': string; 'until': string; 'generations': { 'ended': number; 'signed': number; 'truncated': boolean; 'measuredSince': string | null }; 'ends': ({ 'status': "queued" | "running" | "signed" | "failed" | "rejected" | "cancelled" | "errored"; 'code': string | null; 'count': number })[]; 'live': { 'queued': number; 'running': number; 'oldestQueuedMs': number | null; 'oldestSilentMs': number | null }; 'queueMs': { 'count': number; 'mean': number; 'p50': number; 'p95': number; 'max': number } | null; 'signedAfterMs': { 'count': number; 'mean': number; 'p50': number; 'p95': number; 'max': number } | null; 'attemptsToPass': ({ 'attempts': number; 'count': number })[]; 'sandbox': { 'totalSeconds': number; 'perSignedRuleSeconds': number | null; 'ofSignedSeconds': { 'count': number; 'mean': number; 'p50': number; 'p95': number; 'max': number } | null }; 'cost': { 'totalUsd': number; 'unpricedCalls': number; 'perSignedRuleUsd': number | null; 'ofSignedUsd': { 'count': number; 'mean': number; 'p50': number; 'p95': number; 'max': number } | null }; 'inconclusive': { 'rate': number | null; 'errored': number; 'attempts': { 'accepted': number; 'rejected': number; 'inconclusive': number } }; 'steps': ({ 'step': string; 'count': number; 'p50Ms': number; 'p95Ms': number; 'maxMs': number; 'retries': number })[] };
    'Organisation': { 'id': string; 'deletions': ({ 'requestedAt': string; 'doneAt': string | null })[] };
    'Report': { 'verdict': "accepted" | "rejected" | "inconclusive"; 'sandbox': "container" | "host" | "isolate"; 'build': { 'id': string; 'node': string; 'astGrep': string }; 'isolation': { 'jail': "bubblewrap" | "util-linux" | "process" | "workerd" | "worker-loader"; 'flags': { [key: string]: boolean }; 'measuredAt': string }; 'cases': ({ 'outcome': "exited" | "signalled" | "timed_out" | "memory_exceeded" | "output_exceeded" | "process_limit" | "invalid_result" | "host_error"; 'stage': "narrow" | "check"; 'matchCount': number; 'matches': ({ 'rule': string; 'ruleId': string; 'file': string; 'line': number; 'column': number; 'text': string; 'captures': { [key: string]: string } })[]; 'findings': ({ 'file': string; 'message': string; 'line'?: number; 'column'?: number; 'severity'?: "error" | "warning" | "info" })[]; 'error'?: { 'name': string; 'message': string; 'line'?: number }; 'console': string; 'trees': ({ 'file': string; 'language': string; 'text': string })[]; 'narrowMs': number; 'checkMs': number; 'name': string; 'kind': "valid" | "invalid"; 'status': "validated" | "reported" | "noisy" | "missing" | "error"; 'message'?: string; 'durationMs': number })[]; 'notRun': (string)[]; 'sandboxMs': number };
    'RuleToRun': { 'name': string; 'summary': string; 'engine': "runtime" | "sg"; 'files': { [key: string]: string }; 'captures': ({ 'file': string; 'id': string; 'name': string; 'match': "anchor" | "broad"; 'language': string; 'scoped': boolean })[]; 'report'?: { 'message': string; 'severity': "error" | "warning" | "info" }; 'capabilities': { 'imports': (string)[]; 'readsFiles': boolean; 'startsProcesses': boolean; 'usesNetwork': boolean; 'hosts': (string)[] }; 'size': { 'captures': number; 'captureLines': number; 'checkLines': number; 'checkBytes': number } };
    'SignedRule': { 'id': string; 'generationId': string; 'name': string; 'summary': string; 'engine': "runtime" | "sg"; 'bundleSha256': string; 'keyId': string; 'model': string | null; 'engineVersion': string | null; 'nodeVersion': string | null; 'publishedAt': string };
    'SignedRuleFiles': { 'id': string; 'generationId': string; 'name': string; 'summary': string; 'engine': "runtime" | "sg"; 'bundleSha256': string; 'keyId': string; 'model': string | null; 'engineVersion': string | null; 'nodeVersion': string | null; 'publishedAt': string; 'files': { [key: string]: string } };
    'TasklessError': { 'error': string; 'details'?: (string)[]; 'message'?: string };
    'Token': { 'id': string; 'name': string; 'scopes': ("generate" | "read" | "admin")[]; 'createdAt': string; 'expiresAt': string | null; 'lastUsedAt': string | null; 'revokedAt': string | null };
    'WebhookSecret': { 'id': string; 'createdAt': string; 'revokedAt': string | null };
    'RequestOutput': { 'name'?: string; 'prompt': string; 'guidance'?: string; 'engine'?: "runtime" | "sg" | "auto"; 'language'?: string; 'severity'?: "error" | "warning" | "info"; 'egress'?: (string)[]; 'cases': ({ 'name': string; 'kind': "valid" | "invalid"; 'files': { [key: string]: string }; 'findings'?: ({ 'file': string; 'line'?: number; 'message'?: string })[] })[]; 'limits'?: { 'attempts'?: number; 'caseTimeoutMs'?: number; 'costUsd'?: number }; 'callbackUrl'?: string };
  };
}
