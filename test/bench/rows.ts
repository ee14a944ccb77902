import type { Row } from './row.js';
import { credentialRows } from './rows/credentials.js';
import { forgedRows } from './rows/forged.js';
import { instanceRows } from './rows/instances.js';
import { memoryRows } from './rows/memory.js';
import { mintingRows } from './rows/minting.js';
import { newTokenRows } from './rows/new-tokens.js';
import { peerRows } from './rows/peers.js';
import { refreshRows } from './rows/refresh.js';
import { rememberedRows } from './rows/remembered.js';
import { startRows } from './rows/start-up.js';
import { tableSizeRows } from './rows/table-size.js';
import { tokenCountRows } from './rows/token-count.js';

/** All of them, in the order in which they are run. */
export const rows: readonly Row[] = [
  ...rememberedRows,
  ...peerRows,
  ...newTokenRows,
  ...credentialRows,
  ...tokenCountRows,
  ...forgedRows,
  ...memoryRows,
  ...mintingRows,
  ...refreshRows,
  ...tableSizeRows,
  ...instanceRows,
  ...startRows,
];
