// Builds the browser client into static/dist, and with --tests builds and runs its tests.
//
// Names carry a hash of their content, so that the daemon may tell browsers to keep them
// for ever; manifest.json says which name belongs to what. Every file gets a gzip and a
// brotli variant beside it, so that the daemon never compresses anything while serving.

import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

import { build } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(root, "static", "src");
const dist = join(root, "static", "dist");

async function bundle() {
  rmSync(dist, { recursive: true, force: true });
  const result = await build({
    absWorkingDir: root,
    entryPoints: { main: join(source, "main.ts") },
    bundle: true,
    splitting: true,
    format: "esm",
    target: ["es2022"],
    minify: true,
    sourcemap: false,
    legalComments: "linked",
    metafile: true,
    outdir: dist,
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    logLevel: "warning",
  });
  const manifest = {};
  for (const [path, output] of Object.entries(result.metafile.outputs)) {
    if (output.entryPoint !== "static/src/main.ts") continue;
    manifest["main.js"] = path.slice(path.lastIndexOf("/") + 1);
    manifest["main.css"] = output.cssBundle.slice(output.cssBundle.lastIndexOf("/") + 1);
  }
  writeFileSync(join(dist, "manifest.json"), JSON.stringify(manifest, null, 2) + "\n");
  writeFileSync(join(dist, "LICENSES.txt"), licences());
  for (const name of readdirSync(dist)) {
    if (!/\.(js|css|txt)$/.test(name)) continue;
    const content = readFileSync(join(dist, name));
    writeFileSync(join(dist, `${name}.gz`), gzipSync(content, { level: 9 }));
    writeFileSync(
      join(dist, `${name}.br`),
      brotliCompressSync(content, {
        params: {
          [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
          [constants.BROTLI_PARAM_QUALITY]: 11,
          [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
        },
      }),
    );
  }
}

/** The licence texts of everything that is in the bundle; they have to travel along. */
function licences() {
  const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  return Object.entries(dependencies)
    .map(([name, version]) => {
      const text = readFileSync(join(root, "node_modules", name, "LICENSE"), "utf8").trim();
      return `${name} ${version}\n\n${text}\n`;
    })
    .join(`\n${"-".repeat(72)}\n\n`);
}

async function test() {
  const tests = join(root, "tests", "js");
  const outdir = join(root, "build", "js-tests");
  const names = readdirSync(tests).filter((name) => name.endsWith(".test.ts"));
  rmSync(outdir, { recursive: true, force: true });
  await build({
    absWorkingDir: root,
    entryPoints: names.map((name) => join(tests, name)),
    bundle: true,
    platform: "node",
    format: "esm",
    target: ["node18"],
    sourcemap: "inline",
    outdir,
    outExtension: { ".js": ".mjs" },
    logLevel: "warning",
  });
  const built = names.map((name) => join(outdir, name.replace(/\.ts$/, ".mjs")));
  const flags = ["--enable-source-maps", "--test"];
  const { status } = spawnSync(process.execPath, [...flags, ...built], { stdio: "inherit", cwd: root });
  process.exitCode = status ?? 1;
}

await (process.argv.includes("--tests") ? test() : bundle());
