import { startPages } from './start-pages.js';

const port = Number(process.env['PORT'] ?? 3000);
const idpPort = Number(process.env['IDP_PORT'] ?? 3001);

const { url, issuer } = await startPages({ port, idpPort });
process.stdout.write(`
  Open        ${url}/
  Users       alice / alice, bob / bob
  Provider    ${issuer}
  Stop        Ctrl-C

`);
