'use strict';
// For a rule with granted hosts alone: lets the default agent of node:https go through the socket that lies
// beside the check, where the other side lets nothing pass but those hosts. It is no wall. Certificates are
// checked here, always, against node's own roots or those that the request names.
const http = require('node:http');
const https = require('node:https');
const tls = require('node:tls');

const SOCKET = '/rule/egress.sock';
/** For each host, so that all of them together stay below what the other side allows at once. */
const CONNECTIONS_PER_HOST = 4;

/** @param secret what the other side wants to hear */
module.exports = function goThroughSocket(secret) {
  https.globalAgent.maxSockets = CONNECTIONS_PER_HOST;
  https.globalAgent.createConnection = (options, done) => {
    const asking = http.request({
      socketPath: SOCKET,
      method: 'CONNECT',
      path: `${options.host}:${options.port}`,
      headers: { 'proxy-authorization': `Bearer ${secret}` },
      agent: false,
    });
    asking.once('error', done);
    asking.once('connect', ({ statusCode, statusMessage }, socket) => {
      if (statusCode === 200) {
        const { host: servername } = options;
        done(null, tls.connect({ ...options, socket, servername, rejectUnauthorized: true }));
        return;
      }
      socket.destroy();
      const code = statusCode === 403 ? 'EGRESS_REFUSED' : 'EGRESS_FAILED';
      done(Object.assign(new Error(statusMessage), { code }));
    });
    asking.end();
  };
};
