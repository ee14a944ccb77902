/** The page, beside the server's own files: `dist/page`. */
export default {
  root: 'page',
  build: { outDir: '../dist/page', emptyOutDir: true },
};
