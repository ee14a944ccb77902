import { settingsFrom } from './settings.js';
import { start } from './start.js';

const settings = settingsFrom(process.env);
await start(settings);
process.stdout.write(`
  The notes are at http://localhost:${settings.port}/api/notes

  # log in by the device flow: open the address, log in, then poll
  AUTH=http://localhost:${settings.port}/api/auth/v2
  field() { node -pe "JSON.parse(fs.readFileSync(0)).$1"; }
  DEVICE=$(curl -s -d '' $AUTH/device); echo "$DEVICE"
  TOKENS=$(curl -s -d "device_code=$(field device_code <<< "$DEVICE")" $AUTH/token); echo "$TOKENS"

  curl -s -H "Authorization: Bearer $(field access_token <<< "$TOKENS")" -d text=hello http://localhost:${settings.port}/api/notes
  curl -s -H "Authorization: Bearer $(field access_token <<< "$TOKENS")" http://localhost:${settings.port}/api/notes

`);
