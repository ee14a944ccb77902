// A handler that anybody may call.
import { apiController, listen, moduleOf } from './harness.js';
import { common, core } from './nest.js';

await listen(moduleOf(common, { controllers: [apiController(common, {})] }), core);
