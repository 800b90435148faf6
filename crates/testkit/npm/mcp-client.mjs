// An MCP client made of the official SDKs, for tests. Reads one JSON object from standard input:
//   { sdk: 1 | 2, command, args, env } or { sdk, url, token }, and { steps: [[method, params], …] }
// and prints a JSON array with each step's result, or { error } where it was refused.
import { readFileSync } from 'node:fs';

const { sdk, command, args, env, url, token, steps } = JSON.parse(readFileSync(0, 'utf8'));
const [{ Client, StreamableHTTPClientTransport }, { StdioClientTransport }] =
  sdk === 2
    ? [await import('@modelcontextprotocol/client'), await import('@modelcontextprotocol/client/stdio')]
    : [
        {
          ...(await import('@modelcontextprotocol/sdk/client/index.js')),
          ...(await import('@modelcontextprotocol/sdk/client/streamableHttp.js')),
        },
        await import('@modelcontextprotocol/sdk/client/stdio.js'),
      ];

const client = new Client({ name: 'windlass-tests', version: '1.0.0' });
const headers = token ? { Authorization: `Bearer ${token}` } : {};
const transport = url
  ? new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } })
  : new StdioClientTransport({ command, args, env: env ?? process.env, stderr: 'inherit' });
const results = [];
try {
  await client.connect(transport);
  results.push({ server: client.getServerVersion(), instructions: client.getInstructions() });
  for (const [method, params] of steps) {
    try {
      results.push(await client[method](params));
    } catch (e) {
      results.push({ error: String(e.message ?? e) });
    }
  }
} catch (e) {
  results.push({ error: String(e.message ?? e) });
}
await client.close().catch(() => {});
console.log(JSON.stringify(results));
