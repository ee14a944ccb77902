// Prints what an entry of the package exports. Compiled to CommonJS, `import()` stays as it is, so `require` is used there.

const [, , specifier = ''] = process.argv;

async function load(): Promise<object> {
  return typeof require === 'function' ? require(specifier) : import(specifier);
}

void load().then((entry) => console.log(JSON.stringify(Object.keys(entry).toSorted())));
