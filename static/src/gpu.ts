/** Whether this machine draws WebGL faster than the DOM. */

let gpu: boolean | null = null;

/** WebGL drawn by the processor is slower than the DOM, so only a real GPU counts. */
export function hasGpu(): boolean {
  if (gpu !== null) return gpu;
  const context = document.createElement("canvas").getContext("webgl2", {
    failIfMajorPerformanceCaveat: true,
  });
  const info = context?.getExtension("WEBGL_debug_renderer_info");
  const renderer = String(info ? context?.getParameter(info.UNMASKED_RENDERER_WEBGL) : "");
  gpu = context !== null && !/swiftshader|llvmpipe|software/i.test(renderer);
  context?.getExtension("WEBGL_lose_context")?.loseContext();
  return gpu;
}

/** It was there and then it failed. */
export function forgetGpu(): void {
  gpu = false;
}
