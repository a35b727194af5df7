/** Files that wrangler's rules turn into modules. */
declare module '*.wasm' {
  const module: WebAssembly.Module;
  export default module;
}
declare module '*.mjs' {
  const text: string;
  export default text;
}
declare module '*.cjs' {
  const text: string;
  export default text;
}
